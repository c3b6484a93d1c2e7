//! Long lists, a page at a time.

use std::num::NonZeroUsize;

use utoipa::IntoParams;

use super::admitted::FromQuery;
use super::problem::Problem;

/// How many items a page has unless something else is asked for, and at the most.
const ITEMS: NonZeroUsize = NonZeroUsize::new(100).expect("100 is not zero");
const ITEMS_MAX: usize = 1000;

/// Which part of a list is asked for.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// The most items to answer, 1 to 1000; 100 by default.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<NonZeroUsize>,
    /// Where to go on: the `next` of the page before. Without it, the first page.
    next: Option<String>,
}

impl FromQuery for Part {
    fn take(&mut self, name: &str, value: &str) -> Option<Result<(), Problem>> {
        match name {
            "limit" => Some(limit(value).map(|limit| self.limit = Some(limit))),
            "next" => {
                self.next = Some(value.to_owned());
                Some(Ok(()))
            }
            _ => None,
        }
    }
}

impl Part {
    /// How many items to read: one more than are answered, which tells whether there are more.
    pub(super) fn max(&self) -> usize {
        self.limit.unwrap_or(ITEMS).get() + 1
    }

    /// The place after which to go on, as [`Part::page`] named it; nothing at the beginning.
    ///
    /// # Errors
    /// `InvalidParameter` for what is no such place.
    pub(super) fn after<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let refusal = || Problem::invalid("next Reason: it is not what a page answered");
        self.next.as_deref().map(|next| read(next).ok_or_else(refusal)).transpose()
    }

    /// The items that are answered, and what asks for those after them. Places are named and not counted, so that items may
    /// come and go between pages.
    pub(super) fn page<T>(&self, mut items: Vec<T>, place: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let more = items.len() >= self.max();
        items.truncate(self.max() - 1);
        let next = items.last().filter(|_| more).map(place);
        (items, next)
    }

    /// Whether this is where the list begins.
    pub(super) fn is_first(&self) -> bool {
        self.next.is_none()
    }
}

/// How many of the latest are asked for.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Latest {
    /// The most items to answer, 1 to 1000; 100 by default.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<NonZeroUsize>,
}

impl FromQuery for Latest {
    fn take(&mut self, name: &str, value: &str) -> Option<Result<(), Problem>> {
        (name == "limit").then(|| limit(value).map(|limit| self.limit = Some(limit)))
    }
}

impl Latest {
    pub(super) fn limit(&self) -> NonZeroUsize {
        self.limit.unwrap_or(ITEMS)
    }
}

fn limit(text: &str) -> Result<NonZeroUsize, Problem> {
    let limit = text.parse().ok().filter(|limit: &NonZeroUsize| limit.get() <= ITEMS_MAX);
    limit.ok_or_else(|| Problem::invalid(format_args!("limit Reason: must be 1 to {ITEMS_MAX}")))
}
