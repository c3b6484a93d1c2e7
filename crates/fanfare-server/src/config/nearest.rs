//! The name that somebody probably meant.

/// How alike two names must be, from 0 to 1, for one to be taken for the other misspelt.
const ALIKE: f64 = 0.8;

/// The name of `names` that is most like `name`, if any is.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

/// `there is no setting "lisen": did you mean "listen"?`
pub(super) fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    match nearest(name, names) {
        Some(meant) => format!("there is no setting {name:?}: did you mean {meant:?}?"),
        None => format!("there is no setting {name:?}"),
    }
}
