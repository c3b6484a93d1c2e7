//! Texts without what was found in them.

use std::ops::Range;

use super::operation::Replacement;

/// `text` with the replacement in the place of each range; ranges are in order and do not overlap.
pub(super) fn treated(text: &str, ranges: &[Range<usize>], replacement: Replacement) -> String {
    let mut result = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        result.push_str(&text[from..range.start]);
        if let Replacement::Mask(mask) = replacement {
            result.extend(text[range.clone()].chars().map(|_| mask));
        }
        from = range.end;
    }
    result.push_str(&text[from..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_is_masked_or_all_are_taken_out() {
        let text = "für ann@example.com, bücher";
        let ranges = [5..20, 22..29];
        assert_eq!(treated(text, &ranges, Replacement::Mask('#')), "für ###############, ######");
        assert_eq!(treated(text, &ranges, Replacement::Nothing), "für , ");
        assert_eq!(treated(text, &[], Replacement::Nothing), text);
    }
}
