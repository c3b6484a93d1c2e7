//! The data identifiers that Amazon SNS manages and this server can find: by form, and by checksum where there is one.

mod candidate;
mod checksum;
mod contact;
mod credentials;
#[cfg(test)]
mod examples;
mod money;
mod people;
mod things;

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use candidate::Candidate;

/// What the names of managed identifiers begin with.
pub(super) const ARN_PREFIX: &str = "arn:aws:dataprotection::aws:data-identifier/";

/// One kind of sensitive data.
pub(super) struct Managed {
    pub(super) name: &'static str,
    search: Search,
}

/// How it is found.
enum Search {
    /// What has this form and passes the check. Forms are of bounded length or of no check, so that searching a text again after
    /// what failed does not cost more than in proportion to the text.
    Form(LazyLock<Regex>, fn(&Candidate<'_>) -> bool),
    /// By a function of its own.
    Own(fn(&str) -> Vec<Range<usize>>),
}

/// Every identifier that can be found.
static ALL: LazyLock<Vec<&'static Managed>> = LazyLock::new(|| {
    let all = [
        contact::ALL.as_slice(),
        credentials::ALL.as_slice(),
        money::ALL.as_slice(),
        people::ALL.as_slice(),
        things::ALL.as_slice(),
    ];
    let mut all: Vec<_> = all.into_iter().flatten().collect();
    all.sort_unstable_by_key(|managed| managed.name);
    all
});

impl Managed {
    const fn form(name: &'static str, pattern: fn() -> Regex, check: fn(&Candidate<'_>) -> bool) -> Self {
        Self { name, search: Search::Form(LazyLock::new(pattern), check) }
    }

    const fn own(name: &'static str, search: fn(&str) -> Vec<Range<usize>>) -> Self {
        Self { name, search: Search::Own(search) }
    }

    /// The identifier of that name, such as `EmailAddress`.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|managed| managed.name == name)
    }

    /// The names of all.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|managed| managed.name)
    }

    /// Where in `text` it stands, in order and without overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        match &self.search {
            Search::Own(search) => search(text),
            Search::Form(pattern, check) => by_form(pattern, *check, text),
        }
    }
}

impl fmt::Debug for Managed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn by_form(pattern: &Regex, check: fn(&Candidate<'_>) -> bool, text: &str) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(next) = pattern.find_at(text, from) {
        if check(&Candidate::new(text, next.range())) {
            found.push(next.range());
            from = next.end();
        } else {
            from = text.ceil_char_boundary(next.start() + 1);
        }
    }
    found
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of managed identifiers are patterns")
}

#[cfg(test)]
mod tests {
    use super::examples::TABLE;
    use super::*;

    fn found<'a>(name: &str, text: &'a str) -> Vec<&'a str> {
        Managed::named(name).unwrap().find(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn identifiers_are_found_where_they_stand_and_nowhere_else() {
        for (name, texts) in TABLE {
            assert!(texts.iter().any(|text| text.contains('«')), "{name} is found somewhere");
            assert!(texts.iter().any(|text| !text.contains('«')), "{name} is not found somewhere");
            for marked in *texts {
                let text: String = marked.chars().filter(|c| !matches!(c, '«' | '»')).collect();
                let expected: Vec<&str> =
                    marked.split('«').skip(1).map(|rest| rest.split('»').next().unwrap()).collect();
                assert_eq!(found(name, &text), expected, "{name} in {marked}");
            }
        }
        let tested: Vec<_> = TABLE.iter().map(|(name, _)| *name).collect();
        let untested: Vec<_> = Managed::names().filter(|name| !tested.contains(name)).collect();
        assert_eq!(untested, [] as [&str; 0]);
    }
}
