//! What a run came to, for people: on the terminal, and as a page with pictures.

mod chart;
mod page;
mod pictures;
mod reasons;
pub(crate) mod table;

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::suite::Results;

/// Writes `README.md` and the pictures that it shows into `folder`, from the results in a file.
pub(crate) fn page(file: &Path, folder: &Path) -> Result<()> {
    let text = fs::read_to_string(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    let results: Results = serde_json::from_str(&text)?;
    let pictures = pictures::of(&results.rows);
    let plots = folder.join("plots");
    fs::create_dir_all(&plots)?;
    for picture in &pictures {
        fs::write(plots.join(picture.file), &picture.svg)?;
    }
    fs::write(folder.join("README.md"), page::text(&results, &pictures))?;
    Ok(())
}
