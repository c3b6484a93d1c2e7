//! The packages of the workspace, as `cargo metadata` tells them.

use serde_json::Value;

use crate::failure::Failure;
use crate::run::Run;
use crate::workspace::Workspace;

/// One package of the workspace.
#[derive(Debug, PartialEq)]
pub(crate) struct Package {
    /// The name in its manifest.
    pub(crate) name: String,
    /// The features that it declares, sorted.
    ///
    /// An optional dependency is none of them, since the manifests name those by `dep:` only.
    pub(crate) features: Vec<String>,
    /// Its example programs.
    pub(crate) examples: Vec<Example>,
    /// What else there is to build.
    pub(crate) content: Content,
}

/// An example program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Example {
    /// Its name.
    pub(crate) name: String,
    /// The features that it cannot be built without.
    pub(crate) features: Vec<String>,
}

impl Example {
    /// The arguments of Cargo that choose it, and what it needs, out of `package`.
    pub(crate) fn selection(&self, package: &str) -> Vec<String> {
        let mut words = vec!["-p".to_owned(), package.to_owned(), "--example".to_owned(), self.name.clone()];
        if !self.features.is_empty() {
            words.extend(["--features".to_owned(), self.features.join(",")]);
        }
        words
    }
}

/// What a package is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Content {
    /// A library or a program, and perhaps examples.
    Code,
    /// Examples alone.
    Examples,
}

/// Every package of `workspace`, in the order that Cargo gives.
pub(crate) fn packages(workspace: &Workspace) -> Result<Vec<Package>, Failure> {
    let metadata = Run::cargo(workspace).args(["metadata", "--format-version=1", "--no-deps"]).capture()?;
    let document = serde_json::from_str(&metadata.stdout)
        .map_err(|error| Failure::new(format!("the answer of `cargo metadata` is not JSON: {error}")))?;
    read(&document).ok_or_else(|| Failure::new("the answer of `cargo metadata` has an unknown form"))
}

fn read(document: &Value) -> Option<Vec<Package>> {
    document["packages"].as_array()?.iter().map(read_package).collect()
}

fn read_package(package: &Value) -> Option<Package> {
    let mut features: Vec<String> = package["features"].as_object()?.keys().cloned().collect();
    features.sort();
    let mut examples = Vec::new();
    let mut content = Content::Examples;
    for target in package["targets"].as_array()? {
        if target["kind"].as_array()?.iter().any(|kind| kind == "example") {
            examples.push(read_example(target)?);
        } else {
            content = Content::Code;
        }
    }
    Some(Package { name: package["name"].as_str()?.to_owned(), features, examples, content })
}

fn read_example(target: &Value) -> Option<Example> {
    let required = target["required-features"].as_array().into_iter().flatten();
    let features = required.map(|feature| feature.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    Some(Example { name: target["name"].as_str()?.to_owned(), features })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_and_examples_of_each_package_are_read() {
        let document = serde_json::from_str(
            r#"{"packages": [
                {"name": "facade", "features": {"https": ["dep:web"], "default": [], "http": ["dep:web"]},
                 "targets": [{"kind": ["lib"], "name": "facade"}]},
                {"name": "shows", "features": {},
                 "targets": [{"kind": ["example"], "name": "custom"},
                             {"kind": ["example"], "name": "durable", "required-features": ["http", "disk"]}]}
            ], "version": 1}"#,
        )
        .unwrap();

        let facade = Package {
            name: "facade".to_owned(),
            features: vec!["default".to_owned(), "http".to_owned(), "https".to_owned()],
            examples: vec![],
            content: Content::Code,
        };
        let shows = Package {
            name: "shows".to_owned(),
            features: vec![],
            examples: vec![
                Example { name: "custom".to_owned(), features: vec![] },
                Example { name: "durable".to_owned(), features: vec!["http".to_owned(), "disk".to_owned()] },
            ],
            content: Content::Examples,
        };
        assert_eq!(read(&document), Some(vec![facade, shows]));
    }

    #[test]
    fn a_document_of_another_form_is_refused() {
        let document = serde_json::from_str(r#"{"packages": [{"name": "facade"}]}"#).unwrap();
        assert_eq!(read(&document), None);
    }
}
