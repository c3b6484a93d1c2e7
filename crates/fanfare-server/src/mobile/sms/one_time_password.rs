//! The password that shows that somebody has a phone, and the words in which it is sent.

use std::fmt;

use fanfare::{Host as _, SystemHost};
use serde::{Deserialize, Serialize};

/// Six digits that nobody can guess.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct OneTimePassword(String);

impl OneTimePassword {
    pub(super) fn new() -> Self {
        let mut bytes = [0; 8];
        SystemHost.fill(&mut bytes);
        // Of so large a number, the remainder prefers nothing that could be noticed.
        Self(format!("{:06}", u64::from_le_bytes(bytes) % 1_000_000))
    }

    /// Whether this is it.
    pub(super) fn is(&self, text: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), text.as_bytes()).is_ok()
    }
}

impl fmt::Debug for OneTimePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimePassword")
    }
}

/// The language in which a password is sent (`LanguageCode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Language {
    #[default]
    #[serde(rename = "en-US")]
    EnglishOfAmerica,
    #[serde(rename = "en-GB")]
    EnglishOfBritain,
    #[serde(rename = "es-419")]
    SpanishOfAmerica,
    #[serde(rename = "es-ES")]
    SpanishOfSpain,
    #[serde(rename = "de-DE")]
    German,
    #[serde(rename = "fr-CA")]
    FrenchOfCanada,
    #[serde(rename = "fr-FR")]
    FrenchOfFrance,
    #[serde(rename = "it-IT")]
    Italian,
    #[serde(rename = "ja-JP")]
    Japanese,
    #[serde(rename = "pt-BR")]
    Portuguese,
    #[serde(rename = "kr-KR")]
    Korean,
    #[serde(rename = "zh-CN")]
    ChineseOfChina,
    #[serde(rename = "zh-TW")]
    ChineseOfTaiwan,
}

impl Language {
    /// Reads a `LanguageCode`.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        serde_json::from_value(code.into()).ok()
    }

    /// The message that carries `password`.
    pub(super) fn text(self, OneTimePassword(password): &OneTimePassword) -> String {
        match self {
            Self::EnglishOfAmerica | Self::EnglishOfBritain => format!("Your verification code is {password}"),
            Self::SpanishOfAmerica | Self::SpanishOfSpain => format!("Su código de verificación es {password}"),
            Self::German => format!("Ihr Bestätigungscode lautet {password}"),
            Self::FrenchOfCanada | Self::FrenchOfFrance => format!("Votre code de vérification est {password}"),
            Self::Italian => format!("Il tuo codice di verifica è {password}"),
            Self::Japanese => format!("確認コードは {password} です"),
            Self::Portuguese => format!("Seu código de verificação é {password}"),
            Self::Korean => format!("인증 코드는 {password}입니다"),
            Self::ChineseOfChina => format!("您的验证码是 {password}"),
            Self::ChineseOfTaiwan => format!("您的驗證碼是 {password}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_of_amazon_sns_carries_the_password_and_no_other_is_known() {
        let codes = "en-US en-GB es-419 es-ES de-DE fr-CA fr-FR it-IT ja-JP pt-BR kr-KR zh-CN zh-TW";
        let password = OneTimePassword::new();
        for code in codes.split(' ') {
            let language = Language::parse(code).unwrap();
            assert!(language.text(&password).contains(&password.0), "{code}");
        }
        assert_eq!(Language::parse("pl-PL"), None);
    }

    #[test]
    fn a_password_has_six_digits_and_is_not_shown() {
        let password = OneTimePassword::new();
        assert!(password.0.len() == 6 && password.0.bytes().all(|b| b.is_ascii_digit()));
        assert!(password.is(&password.0.clone()) && !password.is("x"));
        assert_eq!(format!("{password:?}"), "OneTimePassword");
    }
}
