//! The name of a function, with its version or alias.

use std::fmt;

use fanfare_aws::Arn;

/// The most characters of a function's name, and of a version or alias.
const NAME_MAX: usize = 64;
const QUALIFIER_MAX: usize = 128;

/// A function, by its ARN: `arn:<partition>:lambda:<region>:<account>:function:<name>[:<version or alias>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    text: String,
    region: String,
    name: String,
    qualifier: Option<String>,
}

impl Function {
    /// Reads a function's ARN. Name, version and alias are made of `A-Z a-z 0-9 _ -`; `$LATEST` is a version.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let arn = Arn::parse(text, "lambda")?;
        let elements: Vec<&str> = arn.resource().split(':').collect();
        let (name, qualifier) = match elements[..] {
            ["function", name] => (name, None),
            ["function", name, qualifier] => (name, Some(qualifier)),
            _ => return None,
        };
        let is_qualifier = qualifier.is_none_or(|q| q == "$LATEST" || is_name(q, QUALIFIER_MAX));
        (is_name(name, NAME_MAX) && is_qualifier).then(|| Self {
            text: text.to_owned(),
            region: arn.region().to_owned(),
            name: name.to_owned(),
            qualifier: qualifier.map(str::to_owned),
        })
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn arn(&self) -> &str {
        &self.text
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The version or alias.
    pub(crate) fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }
}

fn is_name(text: &str, max: usize) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    (1..=max).contains(&text.len()) && text.bytes().all(allowed)
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_gives_name_and_qualifier() {
        for (resource, name, qualifier) in [
            ("function:thumbnails", "thumbnails", None),
            ("function:thumbnails:7", "thumbnails", Some("7")),
            ("function:thumbnails:live", "thumbnails", Some("live")),
            ("function:thumbnails:$LATEST", "thumbnails", Some("$LATEST")),
        ] {
            let function = Function::parse(&format!("arn:aws:lambda:us-east-1:000000000000:{resource}")).unwrap();
            assert_eq!((function.name(), function.qualifier()), (name, qualifier));
        }
    }

    #[test]
    fn what_is_no_function_is_refused() {
        for resource in [
            "thumbnails",
            "function:",
            "function:a:",
            "function:a:b:c",
            "function:a/b",
            "function:a%2fb",
            "function:a:$OLDEST",
            "function:ä",
            "layer:a",
            &format!("function:{}", "f".repeat(65)),
        ] {
            assert_eq!(
                Function::parse(&format!("arn:aws:lambda:us-east-1:000000000000:{resource}")),
                None,
                "{resource}"
            );
        }
    }
}
