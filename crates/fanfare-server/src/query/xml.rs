//! Writes XML elements and their texts.

/// Writes `<name>content</name>`, where `content` is XML already, or `<name/>` when that is empty.
pub(super) fn element(xml: &mut String, name: &str, content: &str) {
    xml.push('<');
    xml.push_str(name);
    if content.is_empty() {
        xml.push_str("/>");
        return;
    }
    xml.push('>');
    xml.push_str(content);
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

/// Writes the element `name` with a text.
pub(super) fn text_element(xml: &mut String, name: &str, text: &str) {
    element(xml, name, &escaped(text));
}

/// A text as it may stand in XML and be read back. Characters that XML 1.0 cannot carry become U+FFFD.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '"' => xml.push_str("&quot;"),
            // Written as it is, readers would take it for the end of a line and give a line feed.
            '\r' => xml.push_str("&#xD;"),
            '\t' | '\n' => xml.push(c),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => xml.push('\u{FFFD}'),
            c => xml.push(c),
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut xml = String::new();
        text_element(&mut xml, "t", text);
        xml
    }

    /// The text that an XML reader of another author finds.
    fn read(xml: &str) -> String {
        roxmltree::Document::parse(xml).unwrap().root_element().text().unwrap_or_default().to_owned()
    }

    #[test]
    fn marks_are_escaped() {
        assert_eq!(written("<a> & \"b\" 'c' ]]>"), "<t>&lt;a&gt; &amp; &quot;b&quot; 'c' ]]&gt;</t>");
    }

    #[test]
    fn an_element_without_content_is_one_tag() {
        assert_eq!(written(""), "<t/>");
    }

    #[test]
    fn ends_of_lines_and_spaces_are_read_back_as_they_were() {
        for text in ["\r\n", "\r", "\n", "\t", " ", "  a \r\r\n b  "] {
            assert_eq!(read(&written(text)), text, "{text:?}");
        }
    }

    #[test]
    fn what_xml_cannot_carry_becomes_the_replacement_character() {
        assert_eq!(
            written("\0\u{1}\u{B}\u{1F}\u{FFFE}\u{FFFF}"),
            "<t>\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}</t>"
        );
    }

    #[test]
    fn what_xml_can_carry_stays() {
        assert_eq!(
            written("\u{7F}\u{85}\u{A0}é\u{2028}\u{FFFD}\u{E000}😀"),
            "<t>\u{7F}\u{85}\u{A0}é\u{2028}\u{FFFD}\u{E000}😀</t>"
        );
    }

    proptest! {
        #[test]
        fn every_text_is_read_back(chars in prop::collection::vec(any::<char>(), 0..60)) {
            let text = String::from_iter(chars);
            let carried: String = text
                .chars()
                .map(|c| match u32::from(c) {
                    0x9 | 0xA | 0xD => c,
                    0..0x20 | 0xFFFE | 0xFFFF => '\u{FFFD}',
                    _ => c,
                })
                .collect();
            prop_assert_eq!(read(&written(&text)), carried);
        }

        #[test]
        fn every_text_of_marks_and_controls_is_read_back(text in "[<>&\"'\r\n\t \\]!\\[a-c;#xD]{0,40}") {
            prop_assert_eq!(read(&written(&text)), text);
        }
    }
}
