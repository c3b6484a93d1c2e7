//! The wire of Amazon SNS's operations, the query protocol: form parameters in, XML out.
//!
//! [`Request`] reads what a client sent, [`Answer`] writes what an operation came to, and [`error_xml`] what it was refused
//! with. Which operations there are, what they demand and what they do stands elsewhere: here is only their spelling.

mod answer;
mod error;
mod request;
mod structure;
mod xml;

pub use answer::{Answer, Members};
pub use error::{ErrorResponse, error_xml};
pub use request::{MAX_PARAMETERS, Request};
pub use structure::{MessageAttribute, Structure};

/// The version of Amazon SNS's interface, the value of the parameter `Version`.
pub const VERSION: &str = "2010-03-31";

/// The name space of Amazon SNS's answers.
pub const XMLNS: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// The content type of every answer, of results and of errors alike.
pub const CONTENT_TYPE: &str = "text/xml";
