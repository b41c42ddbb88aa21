//! Signatures of webhooks (HMAC-SHA256 in hex, compared in constant time) and plain digests.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// Returns the HMAC-SHA256 of `message` in lower-case hex.
pub fn sign_sha256_hex(secret: &Secret, message: &[u8]) -> String {
    hex(&keyed(secret, message).finalize().into_bytes())
}

/// Returns whether `signature`, in hex of either case, is the HMAC-SHA256 of `message`; constant time in the secret.
pub fn verify_sha256_hex(secret: &Secret, message: &[u8], signature: &str) -> bool {
    unhex(signature)
        .is_some_and(|signature| keyed(secret, message).verify_slice(&signature).is_ok())
}

/// Returns the SHA-256 of `bytes` in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Returns whether two texts are equal, without telling by the time it takes where they differ.
pub fn equal_in_constant_time(one: &Secret, other: &str) -> bool {
    subtle::ConstantTimeEq::ct_eq(one.expose().as_bytes(), other.as_bytes()).into()
}

fn keyed(secret: &Secret, message: &[u8]) -> Hmac<Sha256> {
    let mut keyed =
        Hmac::new_from_slice(secret.expose().as_bytes()).expect("a key of any length will do");
    keyed.update(message);
    keyed
}

/// Returns `bytes` in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `ping` that Greenhouse sent, from a public issue: <https://github.com/grnhse/greenhouse-api-docs/issues/276>.
    const PING: &[u8] = br#"{"action":"ping","payload":{"web_hook_id":4001693002,"endpoint_url":"https://67e09e60.ngrok.io/webhooks","created_at":"2018-12-20T15:43:12Z","updated_at":"2018-12-27T09:40:14Z","name":"Job Post Create","event":"Job Post Created","active":true,"content-type":"application/json"}}"#;
    const SIGNATURE: &str = "395b1309fd37f0732d1ed11c15e03edd61b818918df6bf93be7c71bafb09c877";

    #[test]
    fn a_signature_made_by_a_vendor_is_accepted_and_any_change_refused() {
        let secret = Secret::new("1uSUju2H6AohOE7OQVaxeLT3O8Uxxuas");
        assert_eq!(sign_sha256_hex(&secret, PING), SIGNATURE);
        let mut changed = PING.to_vec();
        changed[20] ^= 1;
        let cases = [
            (&secret, PING, SIGNATURE, true),
            (&secret, PING, &SIGNATURE.to_uppercase(), true),
            (&secret, &changed, SIGNATURE, false),
            (&Secret::new("1uSUju2H6AohOE7OQVaxeLT3O8Uxxuat"), PING, SIGNATURE, false),
            (&secret, PING, "", false),
            (&secret, PING, &SIGNATURE[..62], false),
            (&secret, PING, &SIGNATURE[..63], false),
            (&secret, PING, &format!("{SIGNATURE}00"), false),
            (&secret, PING, "sha256 395b", false),
            (&secret, PING, "ää", false),
        ];
        for (secret, message, signature, genuine) in cases {
            assert_eq!(verify_sha256_hex(secret, message, signature), genuine, "{signature}");
        }
    }

    #[test]
    fn the_signature_is_that_of_the_bytes_as_they_came() {
        let secret = Secret::new("test-secret");
        let escaped = br#"{"action":"job_post_updated","payload":{"content":"\u003cp\u003ehello\u003c/p\u003e"}}"#;
        let written_again =
            br#"{"action":"job_post_updated","payload":{"content":"<p>hello</p>"}}"#;
        let signature = "cf6f30a699e1a34c6e8bd2913570aab71b3fb5124c0b1d401a6c500365eb82c6";
        assert!(verify_sha256_hex(&secret, escaped, signature));
        assert!(!verify_sha256_hex(&secret, written_again, signature));
        let raw = r#"{"action":"hire_candidate","payload":{"application":{"id":1,"candidate":{"first_name":"Zoë"}}}}"#;
        let signature = "5021abeb29be227cb3a37ef5aa6efd79015312f66f682bd314cca4e37fcf4f19";
        assert!(verify_sha256_hex(&secret, raw.as_bytes(), signature));
    }
}
