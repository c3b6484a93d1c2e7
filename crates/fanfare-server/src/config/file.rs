//! The file of settings, in TOML.

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layers::{Entry, Layer, Origin, secret_text};
use super::nearest::unknown;
use super::problem::Problem;
use super::setting::Setting;
use super::settings::{Part, ROWS, Row};

/// What the file at `path` says. What is not right is added to `problems`.
pub(super) fn read(path: &Path, settings: &[Setting], problems: &mut Vec<Problem>) -> Layer {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(Problem::new(format!("cannot read {}: {error}", path.display())));
            return Layer::new();
        }
    };
    let file = File { path, text: &text };
    match DeTable::parse(&text) {
        Ok(table) => file.layer(table.get_ref(), settings, problems),
        Err(error) => {
            let origin = file.origin(&error.span().unwrap_or_default());
            problems.push(Problem::at(&origin, error.message()));
            Layer::new()
        }
    }
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl File<'_> {
    fn layer(&self, table: &DeTable<'_>, settings: &[Setting], problems: &mut Vec<Problem>) -> Layer {
        let mut layer = Layer::new();
        for (key, value) in table {
            let Some(setting) = settings.iter().find(|setting| setting.key() == key.get_ref().as_ref()) else {
                let keys: Vec<String> = settings.iter().map(Setting::key).collect();
                let text = unknown(key.get_ref(), keys.iter().map(String::as_str));
                problems.push(Problem::at(&self.origin(&key.span()), text));
                continue;
            };
            match self.values(setting, value) {
                Ok(values) => drop(layer.insert(setting.name().to_owned(), Entry::from(values.into_iter()))),
                Err(problem) => problems.push(problem),
            }
        }
        layer
    }

    fn values(&self, setting: &Setting, value: &Value<'_>) -> Result<Vec<(OsString, Origin)>, Problem> {
        let row = ROWS.iter().find(|row| row.setting == setting.name());
        let one = |value: &Value<'_>| {
            let text = match (row, value.get_ref().as_table()) {
                (Some(row), Some(table)) => self.row(row, table, value)?,
                _ => scalar(value.get_ref()).ok_or_else(|| {
                    let text =
                        format!("{}: {} is not what this setting takes", setting.key(), value.get_ref().type_str());
                    Problem::at(&self.origin(&value.span()), text)
                })?,
            };
            Ok((text.into(), self.origin(&value.span())))
        };
        match value.get_ref().as_array() {
            Some(values) if setting.is_list() => values.iter().map(one).collect(),
            _ => Ok(vec![one(value)?]),
        }
    }

    /// One table of a list, as the text that the flag takes.
    fn row(&self, row: &Row, table: &DeTable<'_>, at: &Value<'_>) -> Result<String, Problem> {
        let problem =
            |span: Range<usize>, text: String| Problem::at(&self.origin(&span), format!("{}: {text}", row.setting));
        let known: Vec<String> = row.parts.iter().flat_map(|(name, part)| names(name, *part)).collect();
        if let Some(key) = table.keys().find(|key| !known.iter().any(|known| known == key.get_ref())) {
            return Err(problem(key.span(), unknown(key.get_ref(), known.iter().map(String::as_str))));
        }
        let mut texts = Vec::new();
        for (name, part) in row.parts {
            let named = |name: &str| table.get(name).map(|value| (value, value.get_ref().as_str()));
            let in_file = (*part == Part::Secret).then(|| named(&format!("{name}_file"))).flatten();
            let text = match (named(name), in_file) {
                (Some((_, Some(text))), None) => text.to_owned(),
                (None, Some((value, Some(path)))) => {
                    secret_text(Path::new(path)).map_err(|text| problem(value.span(), text))?
                }
                (None, None) => return Err(problem(at.span(), format!("{name:?} is missing"))),
                (Some(_), Some((value, _))) => {
                    return Err(problem(value.span(), format!("{name:?} is given beside it: one of them is enough")));
                }
                (Some((value, None)), None) | (None, Some((value, None))) => {
                    return Err(problem(value.span(), format!("{name:?} must be a string")));
                }
            };
            texts.push(text);
        }
        Ok(texts.join(":"))
    }

    /// The line on which a span begins.
    fn origin(&self, span: &Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        Origin::Line(self.path.to_owned(), before.matches('\n').count() + 1)
    }
}

fn names(name: &str, part: Part) -> Vec<String> {
    let file = (part == Part::Secret).then(|| format!("{name}_file"));
    std::iter::once(name.to_owned()).chain(file).collect()
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(value) => Some(value.to_string()),
        _ => None,
    }
}
