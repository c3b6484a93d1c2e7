//! A page as HTML that needs nothing else.

use std::fmt::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What a page says.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) title: String,
    pub(super) lines: Vec<String>,
    /// Names and values.
    pub(super) facts: Vec<(&'static str, String)>,
    /// What the button says, which sends a POST to the page's own address.
    pub(super) button: Option<String>,
    /// What stands below.
    pub(super) last: Option<String>,
}

const STYLE: &str = "
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f3f4f6; color: #1f2937;
  font: 1rem/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; width: min(34rem, 100% - 2rem); margin: 1rem; padding: 2rem; border-radius: .75rem; background: #fff;
  box-shadow: 0 1px 3px rgb(0 0 0 / .2); }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; }
dl { margin: 1.25rem 0; padding: .75rem 1rem; border-radius: .5rem; background: #f3f4f6; }
dt { font-size: .8rem; color: #6b7280; }
dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
dd:last-child { margin: 0; }
button { width: 100%; padding: .75rem; border: 0; border-radius: .5rem; background: #1d4ed8; color: #fff; font: inherit;
  font-weight: 600; cursor: pointer; }
button:hover { background: #1e40af; }
button:focus-visible { outline: 3px solid #93c5fd; outline-offset: 2px; }
.last { margin: 1.25rem 0 0; font-size: .9rem; color: #6b7280; }
@media (prefers-color-scheme: dark) {
  body { background: #111827; color: #e5e7eb; }
  main { background: #1f2937; }
  dl { background: #111827; }
  dt, .last { color: #9ca3af; }
}
";

/// The policy that browsers keep to on these pages.
pub(super) fn policy() -> String {
    static HASH: LazyLock<String> = LazyLock::new(|| BASE64_STANDARD.encode(digest(&SHA256, STYLE.as_bytes())));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        *HASH
    )
}

impl Content {
    pub(super) fn html(&self) -> String {
        let Self { title, lines, facts, button, last } = self;
        let title = escaped(title);
        let mut main = format!("<h1>{title}</h1>\n");
        let mut add = |text: String| main.push_str(&text);
        for line in lines {
            add(format!("<p>{}</p>\n", escaped(line)));
        }
        if !facts.is_empty() {
            add("<dl>\n".to_owned());
            for (name, value) in facts {
                add(format!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value)));
            }
            add("</dl>\n".to_owned());
        }
        if let Some(button) = button {
            add(format!("<form method=\"post\"><button type=\"submit\">{}</button></form>\n", escaped(button)));
        }
        if let Some(last) = last {
            add(format!("<p class=\"last\">{}</p>\n", escaped(last)));
        }
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<main>\n{main}</main>\n</body>\n</html>\n"
        )
    }
}

/// `text` where HTML would take it for itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => {
                write!(escaped, "&#{};", u32::from(c)).expect("writing to a String does not fail");
            }
            c => escaped.push(c),
        }
    }
    escaped
}
