//! The step `features`: each package builds alone, with no feature, with each of its features alone, and with all.
//!
//! A build of the whole workspace hides a package that lacks a feature of a dependency, since another package may ask
//! for it. Selected by `-p`, a package is built with what it asks for itself, and nothing else.

use crate::failure::Failure;
use crate::metadata::{self, Content, Package};
use crate::run::Run;
use crate::steps::Context;

pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    let packages = metadata::packages(context.workspace)?;
    let mut builds = 0;
    let mut broken = Vec::new();
    for package in &packages {
        for selection in selections(package) {
            builds += 1;
            if let Err(failure) = build_alone(package, &selection, context) {
                println!("   {failure}");
                broken.push(format!("{} {}", package.name, selection.join(" ")));
            }
        }
    }
    match (builds, broken.as_slice()) {
        (0, _) => Err(Failure::new("the workspace has no package")),
        (_, []) => Ok(format!("{builds} builds")),
        (_, [first, ..]) => {
            println!("   not built alone:\n      {}", broken.join("\n      "));
            Err(Failure::new(format!("{} of {builds} builds, the first: {first}", broken.len())))
        }
    }
}

/// The arguments that choose the features of each build of `package`.
fn selections(package: &Package) -> Vec<Vec<String>> {
    let none = vec!["--no-default-features".to_owned()];
    if package.features.is_empty() {
        return vec![none];
    }
    let alone = package
        .features
        .iter()
        .map(|feature| vec!["--no-default-features".to_owned(), "--features".to_owned(), feature.clone()]);
    let all = vec!["--all-features".to_owned()];
    [none].into_iter().chain(alone).chain([all]).collect()
}

/// Checks one selection; a warning, such as of code that only another feature uses, is a failure too.
fn build_alone(package: &Package, selection: &[String], context: &Context<'_>) -> Result<(), Failure> {
    // For a library this would bring its development dependencies, and their features, along.
    let targets: &[&str] = match package.content {
        Content::Code => &[],
        Content::Examples => &["--all-targets"],
    };
    let built =
        Run::cargo(context.workspace).args(["check", "-p", &package.name]).args(targets).args(selection).capture()?;
    match first_warning(&built.stderr) {
        None => Ok(()),
        Some(warning) => {
            print!("{}", built.stderr);
            Err(Failure::new(format!("{} builds with a warning: {warning}", package.name)))
        }
    }
}

/// The first warning of Cargo or the compiler, except that a selection of features leaves a package of examples empty.
fn first_warning(output: &str) -> Option<&str> {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("warning: "))
        .find(|warning| *warning != "target filter `all-targets` specified, but no targets matched; this is a no-op")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(features: &[&str]) -> Package {
        let features = features.iter().map(|feature| (*feature).to_owned()).collect();
        Package { name: "web".to_owned(), features, examples: vec![], content: Content::Code }
    }

    #[test]
    fn each_feature_is_built_alone() {
        assert_eq!(
            selections(&package(&["http", "https"])),
            [
                vec!["--no-default-features"],
                vec!["--no-default-features", "--features", "http"],
                vec!["--no-default-features", "--features", "https"],
                vec!["--all-features"],
            ]
        );
    }

    #[test]
    fn a_package_without_features_is_built_once() {
        assert_eq!(selections(&package(&[])), [vec!["--no-default-features"]]);
    }

    #[test]
    fn a_warning_is_found_in_the_compiler_output() {
        let output = "    Checking web v0.1.0\nwarning: function `idle` is never used\n --> src/lib.rs:1:4\n";
        assert_eq!(first_warning(output), Some("function `idle` is never used"));
    }

    #[test]
    fn a_selection_without_an_example_is_no_warning() {
        let output = "warning: target filter `all-targets` specified, but no targets matched; this is a no-op\n";
        assert_eq!(first_warning(output), None);
    }

    #[test]
    fn a_clean_build_has_no_warning() {
        assert_eq!(first_warning("    Checking web v0.1.0\n    Finished `dev` profile\n"), None);
    }
}
