//! What an operation came to, as the XML that clients read.

use super::XMLNS;
use super::xml::{element, text_element};

/// The answer to an operation that was done.
///
/// ```
/// use fanfare_server::query::{Answer, Members};
///
/// let answer = Answer::with_result("CreateTopic", Members::new().text("TopicArn", "arn:aws:sns:us-east-1:1:orders"));
/// assert_eq!(
///     answer.to_xml("r-1"),
///     "<CreateTopicResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
///      <CreateTopicResult><TopicArn>arn:aws:sns:us-east-1:1:orders</TopicArn></CreateTopicResult>\
///      <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></CreateTopicResponse>"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    operation: &'static str,
    result: Option<Members>,
}

impl Answer {
    /// The answer to an operation that has a result, be it one without members (as `TagResource` has).
    pub fn with_result(operation: &'static str, result: Members) -> Self {
        Self { operation, result: Some(result) }
    }

    /// The answer to an operation that has no result at all (such as `DeleteTopic`): it has no element for one.
    pub fn without_result(operation: &'static str) -> Self {
        Self { operation, result: None }
    }

    /// The operation that this answers.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The text of a member of the result; nothing when there is none of that name.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.member(name)? {
            Member::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entries of a map in the result, in its order; none when there is no map of that name.
    pub fn map(&self, name: &str) -> &[(String, String)] {
        match self.member(name) {
            Some(Member::Map(entries)) => entries,
            _ => &[],
        }
    }

    /// The body of the HTTP response, which has the status 200.
    pub fn to_xml(&self, request_id: &str) -> String {
        let Self { operation, result } = self;
        let mut xml = format!("<{operation}Response xmlns=\"{XMLNS}\">");
        if let Some(result) = result {
            element(&mut xml, &format!("{operation}Result"), &result.to_xml());
        }
        let mut metadata = String::new();
        text_element(&mut metadata, "RequestId", request_id);
        element(&mut xml, "ResponseMetadata", &metadata);
        xml.push_str(&format!("</{operation}Response>"));
        xml
    }

    fn member(&self, name: &str) -> Option<&Member> {
        self.result.as_ref()?.0.iter().find(|(known, _)| *known == name).map(|(_, member)| member)
    }
}

/// The members of a structure in an answer: of the result, or of one item in a list of the result.
///
/// Names are written as they are given, which is why they are part of the program; texts are escaped, and characters that XML
/// cannot carry become U+FFFD. A member that is not added is absent, which clients tell from an empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members(Vec<(&'static str, Member)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    Text(String),
    List(Vec<String>),
    Structures(Vec<Members>),
    Map(Vec<(String, String)>),
}

impl Members {
    /// No members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text, which may be empty.
    #[must_use]
    pub fn text(self, name: &'static str, text: impl AsRef<str>) -> Self {
        self.with(name, Member::Text(text.as_ref().to_owned()))
    }

    /// Adds a text if there is one.
    #[must_use]
    pub fn optional(self, name: &'static str, text: Option<impl AsRef<str>>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// Adds `true` or `false`.
    #[must_use]
    pub fn boolean(self, name: &'static str, value: bool) -> Self {
        self.text(name, if value { "true" } else { "false" })
    }

    /// Adds a list of texts, which may be empty.
    #[must_use]
    pub fn list<T: AsRef<str>>(self, name: &'static str, items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(|item| item.as_ref().to_owned());
        self.with(name, Member::List(items.collect()))
    }

    /// Adds a list of structures, which may be empty.
    #[must_use]
    pub fn structures(self, name: &'static str, items: impl IntoIterator<Item = Members>) -> Self {
        self.with(name, Member::Structures(items.into_iter().collect()))
    }

    /// Adds a map, in the order given; it may be empty.
    #[must_use]
    pub fn map<K: AsRef<str>, V: AsRef<str>>(
        self,
        name: &'static str,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.as_ref().to_owned(), value.as_ref().to_owned()));
        self.with(name, Member::Map(entries.collect()))
    }

    fn with(mut self, name: &'static str, member: Member) -> Self {
        self.0.push((name, member));
        self
    }

    fn to_xml(&self) -> String {
        let mut xml = String::new();
        for (name, member) in &self.0 {
            match member {
                Member::Text(text) => text_element(&mut xml, name, text),
                Member::List(items) => {
                    element(&mut xml, name, &each(items, |xml, item| text_element(xml, "member", item)));
                }
                Member::Structures(items) => {
                    element(&mut xml, name, &each(items, |xml, item| element(xml, "member", &item.to_xml())));
                }
                Member::Map(entries) => {
                    let write = |xml: &mut String, (key, value): &(String, String)| {
                        element(xml, "entry", &Members::new().text("key", key).text("value", value).to_xml());
                    };
                    element(&mut xml, name, &each(entries, write));
                }
            }
        }
        xml
    }
}

fn each<T>(items: &[T], write: impl Fn(&mut String, &T)) -> String {
    let mut xml = String::new();
    items.iter().for_each(|item| write(&mut xml, item));
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_ENTRIES: [(&str, &str); 0] = [];

    fn result_of(members: Members) -> String {
        let xml = Answer::with_result("Op", members).to_xml("r");
        let result = xml.strip_prefix("<OpResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">").unwrap();
        let result = result.strip_suffix("<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></OpResponse>");
        result.unwrap().to_owned()
    }

    #[test]
    fn an_answer_without_a_result_has_no_result_element() {
        assert_eq!(
            Answer::without_result("Unsubscribe").to_xml("r"),
            "<UnsubscribeResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><ResponseMetadata>\
             <RequestId>r</RequestId></ResponseMetadata></UnsubscribeResponse>"
        );
    }

    #[test]
    fn a_result_without_members_is_an_empty_element() {
        assert_eq!(result_of(Members::new()), "<OpResult/>");
    }

    #[test]
    fn absent_members_are_omitted_and_empty_ones_are_not() {
        let members = Members::new().optional("A", None::<&str>).optional("B", Some("")).optional("C", Some("c"));
        assert_eq!(result_of(members), "<OpResult><B/><C>c</C></OpResult>");
    }

    #[test]
    fn empty_lists_and_maps_are_there() {
        let members = Members::new().list("L", [] as [&str; 0]).structures("S", []).map("M", NO_ENTRIES);
        assert_eq!(result_of(members), "<OpResult><L/><S/><M/></OpResult>");
    }

    #[test]
    fn lists_maps_and_structures_nest() {
        let item = Members::new().text("Arn", "a").map("Attributes", [("k", "v"), ("e", "")]).boolean("B", false);
        let members = Members::new().structures("S", [item, Members::new()]).list("L", ["x", ""]).boolean("T", true);
        assert_eq!(
            result_of(members),
            "<OpResult><S><member><Arn>a</Arn><Attributes><entry><key>k</key><value>v</value></entry>\
             <entry><key>e</key><value/></entry></Attributes><B>false</B></member><member/></S>\
             <L><member>x</member><member/></L><T>true</T></OpResult>"
        );
    }

    #[test]
    fn every_text_is_escaped_wherever_it_stands() {
        let members = Members::new().text("T", "<&>").list("L", ["<"]).map("M", [("<", "&")]);
        assert_eq!(
            result_of(members),
            "<OpResult><T>&lt;&amp;&gt;</T><L><member>&lt;</member></L>\
             <M><entry><key>&lt;</key><value>&amp;</value></entry></M></OpResult>"
        );
    }

    #[test]
    fn texts_and_maps_of_a_result_can_be_read_again() {
        let answer = Answer::with_result("Op", Members::new().text("Arn", "<a>").map("M", [("k", "v")]));
        assert_eq!((answer.text("Arn"), answer.text("M"), answer.text("None")), (Some("<a>"), None, None));
        assert_eq!(answer.map("M"), [("k".to_owned(), "v".to_owned())]);
        assert_eq!((answer.map("Arn"), Answer::without_result("Op").text("Arn")), (&[][..], None));
    }
}
