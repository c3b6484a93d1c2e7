//! How people and machines are reached.

use std::net::Ipv6Addr;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::candidate::Candidate;
use super::{Managed, by_form, pattern};

pub(super) static ALL: [Managed; 3] = [
    Managed::own("EmailAddress", email_addresses),
    Managed::own("IpAddress", ip_addresses),
    Managed::form(
        "PhoneNumber-US",
        || {
            pattern(
                r"(?:\+?1[ .-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-]?[0-9]{4}|\+1[2-9][0-9]{2}[2-9][0-9]{6}",
            )
        },
        |candidate| {
            let joined = |c: Option<char>| c.is_some_and(|c| matches!(c, '+' | '.' | '-' | '/'));
            candidate.is_whole_number(&['-', '.']) && !joined(candidate.before())
        },
    ),
];

/// The most bytes of an address before and after its `@` (RFC 5321).
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;

/// Each `@` with what may stand on either side of it in an address that is written without quotes.
fn email_addresses(text: &str) -> Vec<Range<usize>> {
    let local = |c: &char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(*c);
    let domain = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '.');
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let from = text.floor_char_boundary(at.saturating_sub(LOCAL_BYTES_MAX));
        let until = text.floor_char_boundary((at + 1 + DOMAIN_BYTES_MAX).min(text.len()));
        let length = |chars: &mut dyn Iterator<Item = char>| chars.map(char::len_utf8).sum::<usize>();
        let before = &text[at - length(&mut text[from..at].chars().rev().take_while(local))..at];
        // What quotes or lists the address is not a part of it.
        let before = before.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
        let after = &text[at + 1..at + 1 + length(&mut text[at + 1..until].chars().take_while(domain))];
        let after = after.trim_end_matches(['.', '-']);
        let labels: Vec<&str> = after.split('.').collect();
        let label = |label: &&str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        let top = labels.last().is_some_and(|top| top.chars().count() >= 2 && top.chars().any(char::is_alphabetic));
        let free = found.last().is_none_or(|last| last.end <= at - before.len());
        if !before.is_empty() && labels.len() >= 2 && labels.iter().all(label) && top && free {
            found.push(at - before.len()..at + 1 + after.len());
        }
    }
    found
}

fn ip_addresses(text: &str) -> Vec<Range<usize>> {
    static V4: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}")
    });
    static V6: LazyLock<Regex> = LazyLock::new(|| pattern("[0-9A-Fa-f:.]{2,}"));
    let v6: Vec<_> = V6.find_iter(text).filter_map(|run| ipv6_in(text, run.range())).collect();
    let inside = |v4: &Range<usize>| {
        let before = v6.partition_point(|v6| v6.start <= v4.start);
        before > 0 && v4.end <= v6[before - 1].end
    };
    let mut found = by_form(&V4, |candidate| candidate.is_whole_number(&['.']), text);
    found.retain(|v4| !inside(v4));
    found.extend(v6);
    found.sort_unstable_by_key(|range| range.start);
    found
}

/// The address in a run of the characters that addresses are made of, without the punctuation around it. Names in programs can
/// look like addresses, as in `cafe::bed`: so a digit is asked for.
fn ipv6_in(text: &str, run: Range<usize>) -> Option<Range<usize>> {
    let whole = &text[run.clone()];
    let mut inner = whole.trim_matches('.');
    if inner.starts_with(':') && !inner.starts_with("::") {
        inner = &inner[1..];
    }
    if inner.ends_with(':') && !inner.ends_with("::") {
        inner = &inner[..inner.len() - 1];
    }
    let start = run.start + whole.find(inner)?;
    let range = start..start + inner.len();
    let is_address = inner.bytes().any(|b| b.is_ascii_digit())
        && inner.parse::<Ipv6Addr>().is_ok()
        && Candidate::new(text, range.clone()).stands_alone();
    is_address.then_some(range)
}
