//! What came back of a call, read by an XML reader that is not the server's.

use std::collections::BTreeMap;

use libtest_mimic::Failed;
use roxmltree::{Document, Node};

/// A status and an XML document.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) xml: String,
}

impl Reply {
    /// The text of the one element of that name.
    pub(crate) fn one(&self, name: &str) -> Result<String, Failed> {
        match self.all(name)?.as_slice() {
            [text] => Ok(text.clone()),
            _ => Err(format!("not one {name} in {}", self.xml).into()),
        }
    }

    /// The texts of all elements of that name.
    pub(crate) fn all(&self, name: &str) -> Result<Vec<String>, Failed> {
        let document = self.document()?;
        let named = document.descendants().filter(|node| node.tag_name().name() == name);
        Ok(named.map(|node| node.text().unwrap_or_default().to_owned()).collect())
    }

    /// The keys and values of a map.
    pub(crate) fn map(&self) -> Result<BTreeMap<String, String>, Failed> {
        Ok(self.all("key")?.into_iter().zip(self.all("value")?).collect())
    }

    pub(crate) fn document(&self) -> Result<Document<'_>, Failed> {
        Document::parse(&self.xml).map_err(|error| format!("{error} in {}", self.xml).into())
    }

    /// The status, type, code and message of an error, which stand where clients look for them.
    pub(crate) fn error(&self) -> Result<(u16, String, String, String), Failed> {
        let document = self.document()?;
        let error = child(document.root_element(), "Error").ok_or_else(|| format!("no error in {}", self.xml))?;
        let text = |name| child(error, name).and_then(|node| node.text()).unwrap_or_default().to_owned();
        Ok((self.status, text("Type"), text("Code"), text("Message")))
    }
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.tag_name().name() == name)
}
