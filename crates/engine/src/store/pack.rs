//! What is stored in less room: bodies, and long rows of the journal. With a checksum, so that damage is said.

use std::{io::Read as _, sync::Arc};

use flate2::{Crc, read::ZlibDecoder};
use lz4_flex::block::{compress_prepend_size, decompress_size_prepended};
use rusqlite::types::Value as Sql;

use super::error::StoreError;

/// What a body begins with that is packed by LZ4: its checksum follows, its length and its block. LZ4 takes a fifth of the
/// time of zlib, and a third more room. A body of the time before the ninth format is in zlib's format, and begins with
/// another byte.
const LZ4: u8 = b'4';
/// A row of the journal that is shorter stays text.
const LONG: usize = 400;

/// Packs a body.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    let block = compress_prepend_size(bytes);
    let mut packed = Vec::with_capacity(5 + block.len());
    packed.push(LZ4);
    packed.extend(checksum(&block).to_le_bytes());
    packed.extend(block);
    packed
}

/// Returns what was [packed](pack).
pub(super) fn unpack(packed: &[u8]) -> Result<Arc<[u8]>, StoreError> {
    unpacked(packed)
        .map(Arc::from)
        .map_err(|why| StoreError::damaged(format_args!("a stored body is damaged: {why}")))
}

/// Returns a row of the journal as it is stored: a long one packed, if that is less.
pub(super) fn pack_row(lines: String) -> Sql {
    if lines.len() >= LONG {
        let packed = pack(lines.as_bytes());
        if packed.len() < lines.len() {
            return Sql::Blob(packed);
        }
    }
    Sql::Text(lines)
}

/// Returns the lines of a packed row, or why there are none.
pub(super) fn unpack_row(packed: &[u8]) -> Result<String, String> {
    String::from_utf8(unpacked(packed)?).map_err(|error| error.to_string())
}

fn unpacked(packed: &[u8]) -> Result<Vec<u8>, String> {
    let Some((&LZ4, rest)) = packed.split_first() else {
        let mut bytes = Vec::new();
        ZlibDecoder::new(packed).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        return Ok(bytes);
    };
    // The length is believed only once the sum is right.
    match rest.split_first_chunk() {
        Some((sum, block)) if u32::from_le_bytes(*sum) == checksum(block) => {
            decompress_size_prepended(block).map_err(|error| error.to_string())
        }
        _ => Err("its checksum is wrong".into()),
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::io::Write as _;

    use flate2::{Compression, write::ZlibEncoder};

    use super::*;

    /// What the time before the ninth format has.
    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_body_comes_back_also_one_that_cannot_be_made_smaller() {
        // Numbers without a pattern (xorshift), the same in every run.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .take(1 << 17)
        .flatten()
        .collect();
        for length in (0..300).chain([1000, 4096, 31 * 1024, 1 << 16, (1 << 16) + 1, 1 << 20]) {
            for body in [&noise[..length], &vec![b'a'; length], &vec![0xff; length]] {
                assert!(*unpack(&pack(body)).unwrap() == *body, "{length} bytes");
                assert!(*unpack(&zlib(body)).unwrap() == *body, "{length} bytes");
            }
        }
    }

    #[test]
    fn whatever_byte_is_another_it_is_said() {
        let packed = pack(&br#"{"kind":"chose","choice":"left_out"}"#.repeat(20));
        for at in 0..packed.len() {
            for flip in [1, 0x80, 0xff] {
                let mut spoilt = packed.clone();
                spoilt[at] ^= flip;
                unpack(&spoilt).unwrap_err();
            }
            unpack(&packed[..at]).unwrap_err();
        }
    }

    #[test]
    fn a_long_row_is_packed_when_that_is_less() {
        let long = "s\t7\t{\"kind\":\"fired\"}\n".repeat(30);
        let Sql::Blob(packed) = pack_row(long.clone()) else { panic!("it is not packed") };
        assert!(packed.len() < long.len() / 4);
        assert_eq!(unpack_row(&packed).unwrap(), long);
        let short = long[..200].to_owned();
        assert_eq!(pack_row(short.clone()), Sql::Text(short));
    }
}
