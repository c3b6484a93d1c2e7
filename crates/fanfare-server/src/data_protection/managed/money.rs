//! Cards and accounts.

use std::ops::Range;

use super::candidate::Candidate;
use super::checksum::{iban, luhn};
use super::{Managed, pattern};

pub(super) static ALL: [Managed; 7] = [
    account("BankAccountNumber-DE", || pattern("(?i)DE[0-9]{2}(?: ?[0-9]){18}")),
    account("BankAccountNumber-ES", || pattern("(?i)ES[0-9]{2}(?: ?[0-9]){20}")),
    account("BankAccountNumber-FR", || pattern("(?i)FR[0-9]{2}(?: ?[0-9]){10}(?: ?[0-9A-Z]){11}(?: ?[0-9]){2}")),
    account("BankAccountNumber-GB", || pattern("(?i)GB[0-9]{2}(?: ?[A-Z]){4}(?: ?[0-9]){14}")),
    account("BankAccountNumber-IT", || pattern("(?i)IT[0-9]{2} ?[A-Z](?: ?[0-9]){10}(?: ?[0-9A-Z]){12}")),
    Managed::form(
        "CreditCardExpiration",
        || pattern("(?:0[1-9]|1[0-2]) ?[/-] ?(?:20)?[0-9]{2}"),
        |candidate| {
            let words = ["exp", "valid thru", "valid through", "valid until", "good thru", "good through", "mm/yy"];
            candidate.is_whole_number(&['/', '-']) && candidate.follows_one_of(&words)
        },
    ),
    Managed::own("CreditCardNumber", cards),
];

/// A bank account by its IBAN.
const fn account(name: &'static str, form: fn() -> regex::Regex) -> Managed {
    Managed::form(name, form, |candidate: &Candidate<'_>| candidate.stands_alone() && iban(&candidate.alphanumerics()))
}

/// Rows of 13 to 19 digits, in groups or not. Of one beginning the longest that is a card's counts, since another number may
/// follow.
fn cards(text: &str) -> Vec<Range<usize>> {
    let (bytes, mut found, mut from) = (text.as_bytes(), Vec::new(), 0);
    while let Some(start) = (from..bytes.len()).find(|at| bytes[*at].is_ascii_digit()) {
        let (mut ends, mut at) = (Vec::new(), start);
        while ends.len() < 19 && bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
            ends.push(at);
            let joined = matches!(bytes.get(at), Some(b' ' | b'-'));
            at += usize::from(joined && bytes.get(at + 1).is_some_and(u8::is_ascii_digit));
        }
        let card = ends.iter().skip(12).rev().map(|end| start..*end).find(|range| {
            let candidate = Candidate::new(text, range.clone());
            candidate.is_whole_number(&['-', '.']) && {
                let digits = candidate.digits();
                is_issued(&digits) && luhn(&digits)
            }
        });
        from = card.as_ref().map_or(start + 1, |card| card.end);
        found.extend(card);
    }
    found
}

/// Whether a network issues cards of these first digits and this length.
fn is_issued(digits: &[u32]) -> bool {
    let first = |count: usize| digits.iter().take(count).fold(0, |number, digit| number * 10 + digit);
    match digits.len() {
        13 => first(1) == 4,
        14 => matches!(first(3), 300..=305) || matches!(first(2), 36 | 38 | 39),
        15 => matches!(first(2), 34 | 37),
        16..=19 => {
            let any_length = first(1) == 4 || first(2) == 62 || first(2) == 65 || first(4) == 6011;
            let sixteen = matches!(first(2), 51..=55)
                || matches!(first(4), 2221..=2720 | 3528..=3589)
                || matches!(first(3), 644..=649);
            any_length || (digits.len() == 16 && sixteen)
        }
        _ => false,
    }
}
