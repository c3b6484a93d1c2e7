//! How answers look: aligned and coloured in a terminal, plain when they are piped, or JSON.

use std::fmt;
use std::io::{IsTerminal as _, Write as _, stderr, stdout};

use serde::Serialize;

use super::arguments::Output;
use super::trouble::Trouble;

/// Where answers are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    colours: bool,
}

/// The few colours that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
}

/// One cell of a table.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    colour: Option<Colour>,
}

impl<T: fmt::Display> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: one_line(&text.to_string()), colour: None }
    }
}

impl Cell {
    pub(super) fn painted(text: impl fmt::Display, colour: Colour) -> Self {
        Self { colour: Some(colour), ..Self::from(text) }
    }
}

impl Screen {
    pub(super) fn new() -> Self {
        let dumb =
            std::env::var_os("NO_COLOR").is_some() || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { colours: stdout().is_terminal() && !dumb }
    }

    /// Shows an answer as JSON when that was asked for; answers whether it was.
    pub(super) fn json(self, output: Output, answer: &impl Serialize) -> Result<bool, Trouble> {
        if output == Output::Json {
            self.line(serde_json::to_string_pretty(answer).map_err(Trouble::new)?);
        }
        Ok(output == Output::Json)
    }

    pub(super) fn line(self, text: impl fmt::Display) {
        // Nobody is left to tell when the terminal is gone.
        let _ = writeln!(stdout().lock(), "{text}");
    }

    /// Tells something beside the answer.
    pub(super) fn note(self, text: impl fmt::Display) {
        let _ = writeln!(stderr().lock(), "{text}");
    }

    /// Shows rows under a header, each column as wide as its longest cell.
    pub(super) fn table<const N: usize>(self, header: [&str; N], rows: &[[Cell; N]]) {
        let mut widths = header.map(str::len);
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        let header = header.map(|title| Cell::painted(title, Colour::Dim));
        for row in std::iter::once(&header).chain(rows) {
            self.row(&widths, row);
        }
    }

    /// Shows names with their values, one to a line.
    pub(super) fn fields(self, fields: &[(&str, Cell)]) {
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in fields {
            self.row(&[width, 0], &[Cell::painted(name, Colour::Dim), value.clone()]);
        }
    }

    pub(super) fn painted(self, colour: Colour, text: impl fmt::Display) -> String {
        if !self.colours {
            return text.to_string();
        }
        let code = match colour {
            Colour::Bold => 1,
            Colour::Dim => 2,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Red => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    fn row(self, widths: &[usize], cells: &[Cell]) {
        let mut line = String::new();
        for (position, (cell, &width)) in cells.iter().zip(widths).enumerate() {
            let text = match cell.colour {
                Some(colour) => self.painted(colour, &cell.text),
                None => cell.text.clone(),
            };
            line.push_str(&text);
            // Nothing stands behind the last cell.
            if position + 1 < cells.len() {
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.text.chars().count()) + 2));
            }
        }
        self.line(line.trim_end());
    }
}

/// What a server or an endpoint said, fit for a terminal: without line breaks and what else would steer it.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
