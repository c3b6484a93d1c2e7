//! How a function is named to the service: a pure function.

use crate::config::FunctionNames;
use crate::function::Function;

/// The name of a function in a call, and the version or alias where that stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    pub(crate) function: &'a str,
    pub(crate) qualifier: Option<&'a str>,
}

impl<'a> Named<'a> {
    /// An ARN has its version or alias in it.
    pub(crate) fn of(function: &'a Function, names: FunctionNames) -> Self {
        match names {
            FunctionNames::Arn => Self { function: function.arn(), qualifier: None },
            FunctionNames::Plain => Self { function: function.name(), qualifier: function.qualifier() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_as_the_settings_say() {
        let [plain, alias] = ["", ":live"].map(|qualifier| {
            Function::parse(&format!("arn:aws:lambda:us-east-1:000000000000:function:thumbnails{qualifier}")).unwrap()
        });
        for (function, names, named, qualifier) in [
            (&plain, FunctionNames::Arn, "arn:aws:lambda:us-east-1:000000000000:function:thumbnails", None),
            (&alias, FunctionNames::Arn, "arn:aws:lambda:us-east-1:000000000000:function:thumbnails:live", None),
            (&plain, FunctionNames::Plain, "thumbnails", None),
            (&alias, FunctionNames::Plain, "thumbnails", Some("live")),
        ] {
            assert_eq!(Named::of(function, names), Named { function: named, qualifier });
        }
    }
}
