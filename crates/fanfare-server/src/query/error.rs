//! What an operation was refused with, as the XML that clients read.

use fanfare::SnsError;

use super::XMLNS;
use super::xml::{element, text_element};

/// The body of the HTTP response for an error; [`ErrorResponse::status`] is its status.
///
/// Takes a `&SnsError`, or an [`ErrorResponse`] for the codes of the protocol that no operation gives.
pub fn error_xml<'a>(error: impl Into<ErrorResponse<'a>>, request_id: &str) -> String {
    error.into().to_xml(request_id)
}

/// An error as clients see it: a code, a message, and whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorResponse<'a> {
    code: &'a str,
    status: u16,
    message: &'a str,
}

impl<'a> ErrorResponse<'a> {
    /// An error with a code that clients know, such as `InvalidAction`, its HTTP status (400 to 599) and a message for people.
    pub fn new(code: &'a str, status: u16, message: &'a str) -> Self {
        Self { code, status, message }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body of the HTTP response.
    ///
    /// `Type` is `Sender` for the statuses below 500, where the client has to change something, else `Receiver`.
    pub fn to_xml(&self, request_id: &str) -> String {
        let mut error = String::new();
        text_element(&mut error, "Type", if self.status < 500 { "Sender" } else { "Receiver" });
        text_element(&mut error, "Code", self.code);
        text_element(&mut error, "Message", self.message);
        let mut xml = format!("<ErrorResponse xmlns=\"{XMLNS}\">");
        element(&mut xml, "Error", &error);
        text_element(&mut xml, "RequestId", request_id);
        xml.push_str("</ErrorResponse>");
        xml
    }
}

impl<'a> From<&'a SnsError> for ErrorResponse<'a> {
    fn from(error: &'a SnsError) -> Self {
        Self::new(error.code().as_str(), error.code().http_status(), error.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanfare::SnsErrorCode;

    #[test]
    fn an_error_is_escaped_in_its_xml() {
        let error = SnsError::invalid_parameter("<a> & \"b\"\u{1}");
        assert_eq!(
            error_xml(&error, "r"),
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
             <Code>InvalidParameter</Code><Message>Invalid parameter: &lt;a&gt; &amp; &quot;b&quot;\u{FFFD}</Message>\
             </Error><RequestId>r</RequestId></ErrorResponse>"
        );
    }

    #[test]
    fn a_fault_of_the_server_is_the_receivers() {
        let error = SnsError::new(SnsErrorCode::InternalError, "m");
        assert!(error_xml(&error, "r").contains("<Type>Receiver</Type><Code>InternalError</Code>"));
        assert_eq!(ErrorResponse::from(&error).status(), 500);
    }

    #[test]
    fn a_code_that_no_operation_gives_is_written_as_well() {
        let error = ErrorResponse::new("SignatureDoesNotMatch", 403, "line one\nline two");
        assert_eq!(error.status(), 403);
        assert!(
            error_xml(error, "r")
                .contains("<Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>line one\nline two</Message>")
        );
    }
}
