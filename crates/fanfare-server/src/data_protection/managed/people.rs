//! The numbers that states give to people.

use super::candidate::Candidate;
use super::checksum::{brazilian, luhn, spanish_letter, weighted};
use super::{Managed, pattern};

pub(super) static ALL: [Managed; 8] = [
    Managed::form(
        "Cnpj-BR",
        || pattern(r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}/[0-9]{4}-[0-9]{2}"),
        |candidate| {
            const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
            is_brazilian(candidate, 12, &WEIGHTS)
        },
    ),
    Managed::form(
        "CpfCode-BR",
        || pattern(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"),
        |candidate| {
            const WEIGHTS: [u32; 10] = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2];
            is_brazilian(candidate, 9, &WEIGHTS)
        },
    ),
    Managed::form(
        "DrugEnforcementAgencyNumber-US",
        || pattern("[A-HJ-MP-Z][A-Z9][0-9]{7}"),
        |candidate| {
            let digits: Vec<u32> = candidate.as_str()[2..].chars().filter_map(|c| c.to_digit(10)).collect();
            candidate.stands_alone() && weighted(&digits, &[1, 2, 1, 2, 1, 2]) % 10 == digits[6]
        },
    ),
    Managed::form(
        "NhsNumber-GB",
        || pattern("[0-9]{3}[ -][0-9]{3}[ -][0-9]{4}"),
        |candidate| {
            let digits = candidate.digits();
            let check = 11 - weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            candidate.is_whole_number(&['-', ' ']) && check % 11 == digits[9] && digits.iter().any(|digit| *digit != 0)
        },
    ),
    Managed::form(
        "NieNumber-ES",
        || pattern("[XYZ][ -]?[0-9]{7}[ -]?[A-Z]"),
        |candidate| {
            let text = candidate.alphanumerics();
            let first = text.chars().next().map_or(0, |c| c as u32 - 'X' as u32);
            is_spanish(candidate, &format!("{first}{}", &text[1..]))
        },
    ),
    Managed::form(
        "NifNumber-ES",
        || pattern("[0-9]{8}[ -]?[A-Z]"),
        |candidate| is_spanish(candidate, &candidate.alphanumerics()),
    ),
    Managed::form(
        "SocialInsuranceNumber-CA",
        || pattern("[0-9]{3}[ -][0-9]{3}[ -][0-9]{3}"),
        |candidate| candidate.is_whole_number(&['-', ' ']) && luhn(&candidate.digits()),
    ),
    Managed::form(
        "Ssn-US",
        || pattern("[0-9]{3}(?:[ -][0-9]{2}[ -]|[0-9]{2})[0-9]{4}"),
        |candidate| {
            let (text, digits) = (candidate.as_str(), candidate.digits());
            let number = |from: usize, to: usize| digits[from..to].iter().fold(0, |number, digit| number * 10 + digit);
            let is_issued = !matches!(number(0, 3), 0 | 666 | 900..) && number(3, 5) != 0 && number(5, 9) != 0;
            // Nine digits alone are anything.
            let is_meant = text.len() > 9 || candidate.follows_one_of(&["ssn", "social security", "socialsecurity"]);
            candidate.is_whole_number(&['-', ' ', '.']) && is_issued && is_meant
        },
    ),
];

/// Whether the last two digits are the check digits of the `length` before them.
fn is_brazilian(candidate: &Candidate<'_>, length: usize, weights: &[u32]) -> bool {
    let digits = candidate.digits();
    candidate.is_whole_number(&['.', '-'])
        && digits.windows(2).any(|pair| pair[0] != pair[1])
        && brazilian(&digits[..length], &weights[1..]) == digits[length]
        && brazilian(&digits[..=length], weights) == digits[length + 1]
}

/// Whether eight digits are followed by their letter.
fn is_spanish(candidate: &Candidate<'_>, text: &str) -> bool {
    let (number, letter) = text.split_at(8);
    let right = number.parse().is_ok_and(|number| letter.chars().eq([spanish_letter(number)]));
    candidate.stands_alone() && right
}
