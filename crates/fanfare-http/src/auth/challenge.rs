//! The grammar of `WWW-Authenticate` (RFC 9110, section 11.6.1), read from peers that cannot be trusted to keep it.

/// What a receiver asks for: a scheme, lower case, and its parameters, names lower case.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of the first parameter of that lower-case name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Every challenge of one header line. A word before `=` is a parameter of the challenge that stands before it, and any
/// other word begins a challenge; what is neither is skipped up to the next comma.
pub(super) fn parse(line: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return challenges;
        }
        let (word, after) = token(rest);
        let after = after.trim_start_matches([' ', '\t']);
        if word.is_empty() {
            rest = after.find(',').map_or("", |comma| &after[comma..]);
        } else if let Some(after) = after.strip_prefix('=') {
            let (value, after) = value(after.trim_start_matches([' ', '\t']));
            if let Some(challenge) = challenges.last_mut() {
                challenge.parameters.push((word.to_ascii_lowercase(), value));
            }
            rest = after;
        } else {
            challenges.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
            rest = after;
        }
    }
}

/// A token of RFC 9110, section 5.6.2, and what follows it.
fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_token(c)).unwrap_or(text.len()))
}

/// A token or a quoted string, and what follows it. A string whose closing quote is missing ends where the line ends.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, after) = token(text);
        return (word.to_owned(), after);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn challenge(scheme: &str, parameters: &[(&str, &str)]) -> Challenge {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Challenge { scheme: scheme.to_owned(), parameters }
    }

    #[test]
    fn the_example_of_rfc_9110_has_two_challenges() {
        assert_eq!(
            parse(r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#),
            [
                challenge("basic", &[("realm", "simple")]),
                challenge("newauth", &[("realm", "apps"), ("type", "1"), ("title", "Login to \"apps\"")]),
            ]
        );
    }

    #[test]
    fn commas_and_spaces_around_parameters_do_not_matter() {
        assert_eq!(
            parse("  Digest  realm = \"a, b\" ,,\tNONCE=x ,"),
            [challenge("digest", &[("realm", "a, b"), ("nonce", "x")])]
        );
    }

    #[test]
    fn a_string_without_its_closing_quote_ends_with_the_line() {
        assert_eq!(parse(r#"Basic realm="open\"#), [challenge("basic", &[("realm", "open")])]);
    }

    #[test]
    fn parameters_without_a_scheme_are_dropped() {
        assert_eq!(parse(r#"realm="x", Basic realm="y""#), [challenge("basic", &[("realm", "y")])]);
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic_or_loop(line in "\\PC*|[ ,=\"\\\\a\\t]{0,64}") {
            let challenges = parse(&line);
            prop_assert!(challenges.len() <= line.len());
        }
    }
}
