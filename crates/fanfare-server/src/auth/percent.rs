//! Percent-encoding as Signature Version 4 has it: everything but `A-Z a-z 0-9 - . _ ~` is written as `%XX` in upper case.

/// Writes `bytes` encoded, byte by byte.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            _ => out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
        }
    }
}

/// Reads a name or value of a query string as forms are read: `+` is a space, and a `%` that begins no escape stands for itself.
///
/// It must agree with whoever reads the parameters afterwards; otherwise two requests that mean different things could share a signature.
pub(super) fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = after;
                }
                _ => out.push(b'%'),
            },
            _ => out.push(*first),
        }
    }
    out
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        encode(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_unreserved_characters_stay_as_they_are() {
        assert_eq!(encoded(b"AZaz09-._~"), "AZaz09-._~");
        assert_eq!(encoded("a b/c+é*".as_bytes()), "a%20b%2Fc%2B%C3%A9%2A");
    }

    #[test]
    fn escapes_and_pluses_are_read_and_the_rest_is_kept() {
        assert_eq!(decode("a+b%20c%2Bd%c3%A9"), "a b c+dé".as_bytes());
        assert_eq!(decode("100%"), b"100%");
        assert_eq!(decode("%4"), b"%4");
        assert_eq!(decode("%zz%41"), b"%zzA");
        assert_eq!(decode("%%41"), b"%A");
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded_again(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(decode(&encoded(&bytes)), bytes);
        }

        #[test]
        fn query_strings_are_read_as_forms_are(text in "[ -~]{0,64}") {
            let text = text.replace(['&', '='], "");
            let pair = format!("k={text}");
            let (_, expected) = url::form_urlencoded::parse(pair.as_bytes()).next().unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&decode(&text)).into_owned(), expected.into_owned());
        }
    }
}
