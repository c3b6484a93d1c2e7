//! Long lists, a hundred items at a time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::refusal::Refusal;

/// How many items Amazon SNS answers at a time.
const PAGE_ITEMS: usize = 100;

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// What asks for the next page; nothing when this is the last.
    pub(super) next_token: Option<String>,
}

/// The page of `items` that `token` asks for: those next in the order of their keys, which are ARNs. Without a token, or with an
/// empty one, that is the first.
///
/// Tokens name a place among the keys and not an item, so that items may come and go between pages.
pub(super) fn page<T>(mut items: Vec<T>, key: impl Fn(&T) -> &str, token: Option<&str>) -> Result<Page<T>, Refusal> {
    if let Some(token) = token.filter(|token| !token.is_empty()) {
        let after = read(token)?;
        items.retain(|item| key(item) > after.as_str());
    }
    let more = items.len() > PAGE_ITEMS;
    if more {
        items.select_nth_unstable_by(PAGE_ITEMS, |a, b| key(a).cmp(key(b)));
        items.truncate(PAGE_ITEMS);
    }
    items.sort_unstable_by(|a, b| key(a).cmp(key(b)));
    let next_token = items.last().filter(|_| more).map(|last| STANDARD.encode(key(last)));
    Ok(Page { items, next_token })
}

fn read(token: &str) -> Result<String, Refusal> {
    let key = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    key.filter(|key| key.starts_with("arn:")).ok_or_else(|| Refusal::invalid_parameter("NextToken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arns(count: usize) -> Vec<String> {
        (0..count).rev().map(|n| format!("arn:{n:04}")).collect()
    }

    #[test]
    fn pages_follow_one_another_without_a_gap() {
        let mut seen = Vec::new();
        let mut token = None;
        loop {
            let page = page(arns(250), |arn| arn, token.as_deref()).unwrap();
            seen.push(page.items.len());
            token = page.next_token;
            if token.is_none() {
                assert_eq!(page.items.first().unwrap(), "arn:0200");
                break;
            }
        }
        assert_eq!(seen, [100, 100, 50]);
    }

    #[test]
    fn a_list_that_fits_one_page_has_no_token() {
        let page = page(arns(100), |arn| arn, Some("")).unwrap();
        assert_eq!((page.items.len(), page.next_token), (100, None));
    }

    #[test]
    fn a_token_that_was_never_given_is_refused() {
        for token in ["x", "eA==", "////"] {
            let refused = page(arns(1), |arn| arn, Some(token)).unwrap_err();
            assert_eq!(refused.message(), "Invalid parameter: NextToken", "{token}");
        }
    }
}
