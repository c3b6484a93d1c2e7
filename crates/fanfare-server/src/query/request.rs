//! What a client asks for: the parameters of one call, from its URL and its body.

use std::collections::BTreeMap;
use std::fmt;

use fanfare::SnsError;
use url::form_urlencoded;

use super::structure::{MessageAttribute, Structure};

/// How many parameters a request may have, the repeated ones counted too.
///
/// Far more than a sensible call needs: a batch of ten messages with ten attributes each has a few hundred.
pub const MAX_PARAMETERS: usize = 10_000;

/// The parameters of one call.
///
/// - They come from the query string of the URL and from the form body; Amazon SNS takes either, and both at once.
/// - Of a repeated parameter the first counts, and the URL stands before the body.
/// - Names are compared to the letter: `NextToken` and `nextToken` are two.
/// - `Debug` names the parameters but not their values, which may be credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    // Sorted, so that the members of one list or map lie side by side: reading one costs what that one holds.
    parameters: BTreeMap<String, String>,
}

impl Request {
    /// Reads a request from the query string of its URL (without `?`) and its body (`application/x-www-form-urlencoded`).
    ///
    /// Decodes as browsers do, by the URL standard: `+` is a space, a `%` that two hex digits do not follow stands for itself,
    /// and bytes that are not UTF-8 become U+FFFD. How long a body may be is for whoever receives it to limit.
    ///
    /// # Errors
    /// `InvalidParameter` when there are more than [`MAX_PARAMETERS`].
    pub fn parse(query: Option<&str>, body: &[u8]) -> Result<Self, SnsError> {
        let url = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut parameters = BTreeMap::new();
        for (number, (name, value)) in url.chain(form_urlencoded::parse(body)).enumerate() {
            if number == MAX_PARAMETERS {
                return Err(SnsError::invalid_parameter(format!(
                    "Request Reason: more than {MAX_PARAMETERS} parameters"
                )));
            }
            parameters.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Ok(Self { parameters })
    }

    /// The operation asked for, such as `Publish`.
    pub fn action(&self) -> Option<&str> {
        self.text("Action")
    }

    /// The version of the interface that the client speaks; [`VERSION`](super::VERSION), and nothing in links.
    pub fn version(&self) -> Option<&str> {
        self.text("Version")
    }

    /// Whether the parameter is there in any form: as a text, as a list or map with members, or as an empty list (`name=`).
    pub fn has(&self, name: &str) -> bool {
        self.whole().has(name)
    }

    /// The text of a parameter; empty when it is there without a value.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.whole().text(name)
    }

    /// A parameter that is `true` or `false`.
    ///
    /// # Errors
    /// `InvalidParameter` when it is there and neither.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, SnsError> {
        self.whole().boolean(name)
    }

    /// A decimal number, of 32 bits as all of Amazon SNS's are.
    ///
    /// # Errors
    /// `InvalidParameter` when the parameter is there and is no such number.
    pub fn integer(&self, name: &str) -> Result<Option<i32>, SnsError> {
        self.whole().integer(name)
    }

    /// The texts `name.member.N`, in the order of N, which may have gaps.
    ///
    /// Empty when there are none; [`has`](Self::has) tells an empty list (`name=`) from an absent one.
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.whole().list(name)
    }

    /// The pairs `name.entry.N.key` and `name.entry.N.value`, in the order of N; see [`Structure::map`].
    pub fn map(&self, name: &str) -> Option<Vec<(String, String)>> {
        self.whole().map(name)
    }

    /// The structures `name.member.N.*`, in the order of N, which may have gaps: such as `Tags` and
    /// `PublishBatchRequestEntries`.
    pub fn structures(&self, name: &str) -> Vec<Structure<'_>> {
        self.whole().structures(name)
    }

    /// The message attributes `name.entry.N.*`, in the order of N; see [`Structure::message_attributes`].
    pub fn message_attributes(&self, name: &str) -> Vec<MessageAttribute<'_>> {
        self.whole().message_attributes(name)
    }

    fn whole(&self) -> Structure<'_> {
        Structure::new(&self.parameters, String::new())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("action", &self.action())
            .field("parameters", &self.parameters.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(text: &str) -> Request {
        Request::parse(None, text.as_bytes()).unwrap()
    }

    fn tag_values(request: &Request) -> Vec<Option<&str>> {
        request.structures("Tags").iter().map(|tag| tag.text("Value")).collect()
    }

    #[test]
    fn parameters_come_from_the_url_and_from_the_body() {
        let request = Request::parse(Some("Action=Publish&Version=2010-03-31"), b"Message=hi").unwrap();
        assert_eq!(request.action(), Some("Publish"));
        assert_eq!(request.version(), Some("2010-03-31"));
        assert_eq!(request.text("Message"), Some("hi"));
        assert_eq!(request.text("message"), None);
    }

    #[test]
    fn of_a_repeated_parameter_the_first_counts_and_the_url_before_the_body() {
        let request = Request::parse(Some("A=url&A=url2"), b"A=body&B=1&B=2").unwrap();
        assert_eq!(request.text("A"), Some("url"));
        assert_eq!(request.text("B"), Some("1"));
    }

    #[test]
    fn nothing_at_all_is_a_request_without_parameters() {
        let request = Request::parse(None, b"").unwrap();
        assert_eq!(request.action(), None);
        assert!(!request.has("Action"));
        assert!(!request.has(""));
        assert_eq!(request.list("TagKeys"), Vec::<&str>::new());
        assert_eq!(request.map("Attributes"), None);
    }

    #[test]
    fn a_space_is_a_plus_or_percent_20() {
        assert_eq!(body("M=a+b%20c%2Bd").text("M"), Some("a b c+d"));
    }

    #[test]
    fn colons_and_further_equals_signs_stand_for_themselves() {
        assert_eq!(body("T=arn:aws:sns:r:1:t=x").text("T"), Some("arn:aws:sns:r:1:t=x"));
    }

    #[test]
    fn a_name_is_decoded_too() {
        assert_eq!(body("TagKeys%2Emember%2E1=a").list("TagKeys"), ["a"]);
    }

    #[test]
    fn broken_percent_encoding_stands_for_itself() {
        for (sent, read) in [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%%41", "%A"), ("%254", "%4"), ("100%", "100%")]
        {
            assert_eq!(body(&format!("M={sent}")).text("M"), Some(read), "{sent}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_become_the_replacement_character() {
        let request = Request::parse(None, b"M=a\xFFb&N=%FFx&O=%ED%A0%80&P=%C3").unwrap();
        assert_eq!(request.text("M"), Some("a\u{FFFD}b"));
        assert_eq!(request.text("N"), Some("\u{FFFD}x"));
        assert_eq!(request.text("O"), Some("\u{FFFD}\u{FFFD}\u{FFFD}"));
        assert_eq!(request.text("P"), Some("\u{FFFD}"));
    }

    #[test]
    fn a_nul_is_a_character_like_others() {
        assert_eq!(body("M=a%00b&%00=c").text("M"), Some("a\0b"));
        assert_eq!(body("M=a%00b&%00=c").text("\0"), Some("c"));
    }

    #[test]
    fn a_list_is_sorted_by_number_and_may_have_gaps() {
        let request = body("L.member.10=j&L.member.2=b&L.member.1=a&L.member.4294967295=z&L.member.0=o");
        assert_eq!(request.list("L"), ["o", "a", "b", "j", "z"]);
    }

    #[test]
    fn junk_in_place_of_a_number_is_ignored() {
        for junk in ["x", "", "-1", "+1", "01", "1e1", " 1", "4294967296", "1.1", "\u{661}"] {
            let request = Request::parse(Some(&format!("L.member.{junk}=a")), b"L.member.7=b").unwrap();
            assert_eq!(request.list("L"), ["b"], "{junk:?}");
        }
    }

    #[test]
    fn an_empty_list_is_told_from_an_absent_one() {
        let request = body("TagKeys=&L.member.1=a");
        assert_eq!(request.list("TagKeys"), Vec::<&str>::new());
        assert!(request.has("TagKeys"));
        assert!(request.has("L"));
        assert!(!request.has("L.mem"));
        assert!(!request.has("Tag"));
    }

    #[test]
    fn a_list_takes_nothing_from_a_list_whose_name_begins_alike() {
        let request = body("Tags.member.1.Key=a&TagsX.member.2.Key=b&Tag.member.3.Key=c");
        let keys: Vec<_> = request.structures("Tags").iter().map(|tag| tag.text("Key")).collect();
        assert_eq!(keys, [Some("a")]);
    }

    #[test]
    fn structures_are_sorted_by_number_and_keep_to_their_own_parameters() {
        let request = body("Tags.member.10.Value=ten&Tags.member.1.Key=k&Tags.member.2.Value=&Tags.member.x.Value=no");
        assert_eq!(tag_values(&request), [None, Some(""), Some("ten")]);
    }

    #[test]
    fn a_map_keeps_repeated_keys_for_its_reader_to_judge() {
        let request = body("A.entry.2.key=k&A.entry.2.value=b&A.entry.1.key=k&A.entry.1.value=a");
        let pairs = vec![("k".to_owned(), "a".to_owned()), ("k".to_owned(), "b".to_owned())];
        assert_eq!(request.map("A"), Some(pairs));
    }

    #[test]
    fn an_entry_without_a_value_is_empty_and_one_without_a_key_is_left_out() {
        let request = body("A.entry.1.key=k&A.entry.2.value=v");
        assert_eq!(request.map("A"), Some(vec![("k".to_owned(), String::new())]));
    }

    #[test]
    fn an_empty_map_may_be_sent_as_an_empty_text() {
        assert_eq!(body("A=").map("A"), Some(vec![]));
    }

    #[test]
    fn a_boolean_is_true_or_false_and_nothing_else() {
        let request = body("A=true&B=false&C=yes&D=");
        assert_eq!(request.boolean("A"), Ok(Some(true)));
        assert_eq!(request.boolean("B"), Ok(Some(false)));
        assert_eq!(request.boolean("E"), Ok(None));
        let refused = request.boolean("C").unwrap_err();
        assert_eq!(refused.message(), "Invalid parameter: C Reason: must be true or false");
        assert!(request.boolean("D").is_err());
    }

    #[test]
    fn an_integer_is_decimal_and_of_32_bits() {
        let request = body("A=5&B=-2147483648&C=2147483648&D=&E=0x10&F=5.0");
        assert_eq!(request.integer("A"), Ok(Some(5)));
        assert_eq!(request.integer("B"), Ok(Some(-2_147_483_648)));
        assert_eq!(request.integer("Z"), Ok(None));
        for refused in ["C", "D", "E", "F"] {
            assert!(request.integer(refused).is_err(), "{refused}");
        }
        assert_eq!(
            request.integer("C").unwrap_err().message(),
            "Invalid parameter: C Reason: must be an integer of 32 bits"
        );
    }

    #[test]
    fn message_attributes_give_their_parts_as_sent_and_decoded() {
        let request = body(
            "M.entry.2.Name=b&M.entry.2.Value.DataType=Binary&M.entry.2.Value.BinaryValue=AgME\
             &M.entry.1.Name=s&M.entry.1.Value.DataType=String&M.entry.1.Value.StringValue=v&M.entry.3.Value.BinaryValue=%3F",
        );
        let attributes = request.message_attributes("M");
        assert_eq!(
            attributes[0],
            MessageAttribute { name: "s", data_type: Some("String"), string_value: Some("v"), binary_value: None }
        );
        assert_eq!(attributes[0].binary(), Ok(None));
        assert_eq!((attributes[1].name, attributes[1].binary_value), ("b", Some("AgME")));
        assert_eq!(attributes[1].binary(), Ok(Some(vec![2, 3, 4])));
        assert_eq!(attributes[2].name, "");
        assert_eq!(attributes[2].binary().unwrap_err().message(), "Invalid parameter: BinaryValue Reason: not base64");
    }

    #[test]
    fn as_many_parameters_as_are_allowed_are_read_and_one_more_is_refused() {
        let many = |count: usize| (1..=count).map(|n| format!("L.member.{n}={n}&")).collect::<String>();
        let request = body(&many(MAX_PARAMETERS));
        assert_eq!(request.list("L").len(), 10_000);
        assert_eq!(request.list("L")[9_999], "10000");
        let refused = Request::parse(None, many(10_001).as_bytes()).unwrap_err();
        assert_eq!(refused.message(), "Invalid parameter: Request Reason: more than 10000 parameters");
        assert!(Request::parse(Some("Action=Publish"), many(10_000).as_bytes()).is_err());
        assert!(Request::parse(None, "A=1&".repeat(10_001).as_bytes()).is_err());
    }

    #[test]
    fn debug_shows_no_value_but_that_of_the_action() {
        let shown = format!("{:?}", body("Action=CreatePlatformApplication&Attributes.entry.1.value=s3cret"));
        assert!(shown.contains("CreatePlatformApplication") && shown.contains("Attributes.entry.1.value"), "{shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read_without_panic(query: Option<String>, sent: Vec<u8>) {
            read_all(&Request::parse(query.as_deref(), &sent).unwrap(), "L");
        }

        #[test]
        fn whatever_looks_like_parameters_is_read_without_panic(
            sent in "((L|%4C)([.](member|entry|key|value|Name|Value|BinaryValue|[0-9]{1,11}|[.])){0,5}=?[ -~]{0,4}&){0,12}"
        ) {
            read_all(&body(&sent), "L");
        }

        #[test]
        fn what_is_encoded_is_decoded(pairs in prop::collection::btree_map(".*", ".*", 0..8)) {
            let sent = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            for request in [body(&sent), Request::parse(Some(&sent), b"").unwrap()] {
                for (name, value) in &pairs {
                    prop_assert_eq!(request.text(name), Some(value.as_str()));
                }
            }
        }
    }

    fn read_all(request: &Request, name: &str) {
        let _ = (request.action(), request.version(), request.has(name), request.text(name), request.list(name));
        let _ = (request.boolean(name), request.integer(name), request.map(name));
        for attribute in request.message_attributes(name) {
            let _ = attribute.binary();
        }
        for member in request.structures(name) {
            let _ = (member.text(name), member.list(name), member.map(name), member.structures(name).len());
        }
    }
}
