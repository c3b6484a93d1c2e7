//! The step `features`: each package builds alone, with no feature, with each of its features alone, and with all; and each
//! example with what it needs alone, as its documented command builds it.
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
                broken.push(selection.join(" "));
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

/// The arguments that choose what each build of `package` is made of.
fn selections(package: &Package) -> Vec<Vec<String>> {
    let of_package = |rest: &[&str]| {
        ["-p", &package.name].into_iter().chain(rest.iter().copied()).map(str::to_owned).collect::<Vec<_>>()
    };
    match package.content {
        Content::Code => {
            let none = of_package(&["--no-default-features"]);
            if package.features.is_empty() {
                return vec![none];
            }
            // Not with `--all-targets`: for a library this would bring its development dependencies, and their features, along.
            let alone =
                package.features.iter().map(|feature| of_package(&["--no-default-features", "--features", feature]));
            [none].into_iter().chain(alone).chain([of_package(&["--all-features"])]).collect()
        }
        Content::Examples => {
            let alone = package.examples.iter().map(|example| example.selection(&package.name));
            alone.chain([of_package(&["--all-features", "--all-targets"])]).collect()
        }
    }
}

/// Checks one selection; a warning, such as of code that only another feature uses, is a failure too.
fn build_alone(package: &Package, selection: &[String], context: &Context<'_>) -> Result<(), Failure> {
    let built = Run::cargo(context.workspace).args(["check"]).args(selection).capture()?;
    match first_warning(&built.stderr) {
        None => Ok(()),
        Some(warning) => {
            print!("{}", built.stderr);
            Err(Failure::new(format!("{} builds with a warning: {warning}", package.name)))
        }
    }
}

/// The first warning of Cargo or the compiler.
fn first_warning(output: &str) -> Option<&str> {
    output.lines().find_map(|line| line.strip_prefix("warning: "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Example;

    fn package(features: &[&str]) -> Package {
        let features = features.iter().map(|feature| (*feature).to_owned()).collect();
        Package { name: "web".to_owned(), features, examples: vec![], content: Content::Code }
    }

    #[test]
    fn each_feature_is_built_alone() {
        assert_eq!(
            selections(&package(&["http", "https"])),
            [
                vec!["-p", "web", "--no-default-features"],
                vec!["-p", "web", "--no-default-features", "--features", "http"],
                vec!["-p", "web", "--no-default-features", "--features", "https"],
                vec!["-p", "web", "--all-features"],
            ]
        );
    }

    #[test]
    fn a_package_without_features_is_built_once() {
        assert_eq!(selections(&package(&[])), [vec!["-p", "web", "--no-default-features"]]);
    }

    #[test]
    fn an_example_is_built_with_what_it_needs_and_nothing_else() {
        let example = |name: &str, features: &[&str]| Example {
            name: name.to_owned(),
            features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        };
        let examples = vec![example("custom", &[]), example("durable", &["http", "disk"])];
        let shows = Package { examples, content: Content::Examples, ..package(&["disk", "http", "https"]) };
        assert_eq!(
            selections(&shows),
            [
                vec!["-p", "web", "--example", "custom"],
                vec!["-p", "web", "--example", "durable", "--features", "http,disk"],
                vec!["-p", "web", "--all-features", "--all-targets"],
            ]
        );
    }

    #[test]
    fn a_warning_is_found_in_the_compiler_output() {
        let output = "    Checking web v0.1.0\nwarning: function `idle` is never used\n --> src/lib.rs:1:4\n";
        assert_eq!(first_warning(output), Some("function `idle` is never used"));
    }

    #[test]
    fn a_clean_build_has_no_warning() {
        assert_eq!(first_warning("    Checking web v0.1.0\n    Finished `dev` profile\n"), None);
    }
}
