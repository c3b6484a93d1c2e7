//! Texts with wildcards and variables, as policies write them.

use super::context::Context;
use super::error::PolicyError;

/// A text to compare values with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `?`: any one character.
    One,
    /// `*`: any characters, or none.
    Many,
    /// `${key}` or `${key, 'default'}`.
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// A pattern whose variables have been filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Many,
}

/// How a pattern is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    /// `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// `${...}` is a variable.
    pub(super) variables: bool,
}

impl Pattern {
    /// A pattern with wildcards and without variables.
    pub(super) fn wild(text: &str) -> Self {
        Self::parse(text, Syntax { wildcards: true, variables: false }).expect("only variables can be malformed")
    }

    pub(super) fn parse(text: &str, syntax: Syntax) -> Result<Self, PolicyError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let piece = match next {
                '*' if syntax.wildcards => Some((Piece::Many, 1)),
                '?' if syntax.wildcards => Some((Piece::One, 1)),
                '$' if syntax.variables && rest.starts_with("${") => Some(variable(rest)?),
                _ => None,
            };
            match piece {
                Some((piece, length)) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(piece);
                    rest = &rest[length..];
                }
                None => {
                    plain.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// Whether a pattern without variables matches the whole of `value`.
    pub(super) fn matches(&self, value: &str) -> bool {
        self.tokens(&Context::nobody()).is_some_and(|tokens| glob(&tokens, value))
    }

    /// Whether the pattern matches the whole of `value`. A variable that is absent and has no default matches nothing.
    pub(super) fn matches_in(&self, value: &str, context: &Context) -> bool {
        self.tokens(context).is_some_and(|tokens| glob(&tokens, value))
    }

    /// The same without regard to the case of letters.
    pub(super) fn matches_ignoring_case(&self, value: &str, context: &Context) -> bool {
        let Some(tokens) = self.tokens(context) else { return false };
        let lower = tokens.into_iter().flat_map(|token| match token {
            Token::Char(c) => c.to_lowercase().map(Token::Char).collect(),
            other => vec![other],
        });
        glob(&lower.collect::<Vec<_>>(), &value.to_lowercase())
    }

    /// Whether each of the six parts of the ARN `value` matches; a wildcard does not reach over a colon before the last part.
    pub(super) fn matches_arn(&self, value: &str, context: &Context) -> bool {
        let Some(tokens) = self.tokens(context) else { return false };
        if tokens == [Token::Many] {
            return true;
        }
        let patterns: Vec<&[Token]> = tokens.splitn(6, |token| *token == Token::Char(':')).collect();
        let parts: Vec<&str> = value.splitn(6, ':').collect();
        patterns.len() == 6 && parts.len() == 6 && patterns.iter().zip(parts).all(|(pattern, part)| glob(pattern, part))
    }

    fn tokens(&self, context: &Context) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::One => tokens.push(Token::One),
                Piece::Many => tokens.push(Token::Many),
                Piece::Text(text) => tokens.extend(text.chars().map(Token::Char)),
                Piece::Variable { key, default } => {
                    let value = context.get(key).or(default.as_deref())?;
                    tokens.extend(value.chars().map(Token::Char));
                }
            }
        }
        Some(tokens)
    }
}

/// The variable at the beginning of `text`, and its length in bytes. `${*}`, `${?}` and `${$}` are these characters themselves.
fn variable(text: &str) -> Result<(Piece, usize), PolicyError> {
    let unclosed = || PolicyError::malformed("a variable without an end");
    let length = text.find('}').ok_or_else(unclosed)? + 1;
    let inside = &text[2..length - 1];
    let piece = match inside {
        "*" | "?" | "$" => Piece::Text(inside.to_owned()),
        _ => {
            let (key, default) = match inside.split_once(',') {
                None => (inside.trim(), None),
                Some((key, default)) => {
                    let quoted = default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
                    let quoted = quoted.ok_or_else(|| PolicyError::malformed("a variable's default without quotes"))?;
                    (key.trim(), Some(quoted.to_owned()))
                }
            };
            if key.is_empty() {
                return Err(PolicyError::malformed("a variable without a name"));
            }
            Piece::Variable { key: key.to_owned(), default }
        }
    };
    Ok((piece, length))
}

/// Whether the pattern matches the whole text. It goes back to the last `*` alone, so that the time is at most the product of
/// both lengths.
fn glob(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut position) = (0, 0);
    let mut last_many = None;
    while position < text.len() {
        match pattern.get(at) {
            Some(Token::Many) => {
                last_many = Some((at, position));
                at += 1;
            }
            Some(Token::One) => (at, position) = (at + 1, position + 1),
            Some(Token::Char(c)) if *c == text[position] => (at, position) = (at + 1, position + 1),
            _ => match last_many {
                Some((many, from)) => {
                    last_many = Some((many, from + 1));
                    (at, position) = (many + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|token| *token == Token::Many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_iam() {
        let table = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("*.example.com", "mail.example.com", true),
            ("*.example.com", "example.com", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*c*", "xxaxxbxxcxx", true),
            ("*a*b*c*", "xxaxxcxxbxx", false),
            ("**", "anything", true),
            ("ü?", "üö", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(Pattern::wild(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn an_arn_is_matched_part_by_part() {
        let arn = "arn:aws:sns:eu-west-1:111111111111:a:b";
        let table = [
            ("arn:aws:sns:*:111111111111:*", true),
            ("arn:aws:sns:*", false),
            ("arn:*:*:*:*:a:?", true),
            ("*", true),
            ("arn:aws:*:111111111111:*", false),
        ];
        for (pattern, expected) in table {
            assert_eq!(Pattern::wild(pattern).matches_arn(arn, &Context::nobody()), expected, "{pattern}");
        }
        assert!(!Pattern::wild("arn:aws:sns:*:111111111111:*").matches_arn("no arn", &Context::nobody()));
    }

    #[test]
    fn variables_stand_for_the_keys_of_the_request() {
        let syntax = Syntax { wildcards: true, variables: true };
        let context = Context::nobody().with("aws:PrincipalAccount", "11*1");
        let matches = |pattern: &str, value: &str| Pattern::parse(pattern, syntax).unwrap().matches_in(value, &context);
        assert!(matches("queue-${AWS:principalaccount}-*", "queue-11*1-x"));
        assert!(!matches("queue-${aws:PrincipalAccount}-*", "queue-1111-x"), "a value's own wildcards are none");
        assert!(!matches("${aws:SourceArn}", ""));
        assert!(matches("${aws:SourceArn, 'none'}", "none"));
        assert!(matches("${*}${?}${$}", "*?$"));
        for malformed in ["${", "${}", "a${aws:SourceArn", "${aws:SourceArn, none}"] {
            assert!(Pattern::parse(malformed, syntax).is_err(), "{malformed}");
        }
    }
}
