//! Randomness for tokens, from the system.

use std::{fmt::Write, fs::File, io::Read};

use crate::exit::Trouble;

/// Returns 256 random bits as hex digits.
pub fn token() -> Result<String, Trouble> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| Trouble::cannot(format!("the system gives no randomness: {error}")))?;
    Ok(hex(&bytes))
}

/// Returns bytes as hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to text cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn no_two_tokens_are_equal() {
        assert_eq!(hex(&[0, 15, 255]), "000fff");
        assert_eq!(token().unwrap().len(), 64);
        assert_ne!(token().unwrap(), token().unwrap());
    }
}
