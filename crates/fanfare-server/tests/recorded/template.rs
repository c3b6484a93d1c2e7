//! Texts in which what differs each time is masked.

use std::collections::BTreeMap;

/// Whether `text` is what `template` says: `<name>` in it stands for some text, everywhere for the same.
pub(crate) fn matches<'a>(mut template: &'a str, mut text: &'a str, known: &mut BTreeMap<&'a str, &'a str>) -> bool {
    while let Some((literal, rest)) = template.split_once('<') {
        let Some((name, after)) = rest.split_once('>') else { return template == text };
        let Some(masked) = text.strip_prefix(literal) else { return false };
        // What is masked goes on to the character that follows it.
        let end = after.chars().next().map_or(Some(masked.len()), |next| masked.find(next));
        let Some((value, left)) = end.map(|end| masked.split_at(end)) else { return false };
        if value.is_empty() || *known.entry(name).or_insert(value) != value {
            return false;
        }
        (template, text) = (after, left);
    }
    template == text
}
