//! The codes that the sync endpoint answers with.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal;)*) => {
        /// Why a payload was not taken, or not wholly. Each has a page in `docs/errors`, compiled in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it stands in an answer.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The HTTP status that an answer has when this code is its reason.
            pub fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// The page that explains the code: what happened, why, what to do (Markdown).
            pub fn page(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../../../docs/errors/", $text, ".md")),)* }
            }
        }
    };
}

error_codes! {
    /// The body is not JSON, or JSON that could be read in two ways.
    InvalidJson = "INVALID_JSON", 400;
    /// A required member is absent, null or empty.
    MissingField = "MISSING_FIELD", 400;
    /// A member has the wrong type or a value that cannot be.
    InvalidField = "INVALID_FIELD", 400;
    /// `records` is there and has nothing in it.
    EmptyRecords = "EMPTY_RECORDS", 400;
    /// One externalId stands twice in a payload.
    DuplicateExternalId = "DUPLICATE_EXTERNAL_ID", 400;
    /// The source sent this `transactionId` before, with other content.
    TransactionReused = "TRANSACTION_REUSED", 400;
    /// No route starts at the source org.
    NoRoute = "NO_ROUTE", 400;
    /// No token, an unknown, revoked or expired one, or one that may not speak for the source org.
    Unauthorized = "UNAUTHORIZED", 401;
    /// The endpoint was asked with another method than `POST`.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405;
    /// A newer version of the record is known.
    Conflict = "CONFLICT", 409;
    /// The body is larger than the endpoint takes.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413;
    /// The body does not say that it is JSON.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415;
    /// The token sent more requests than its rate allows.
    RateLimited = "RATE_LIMITED", 429;
    /// Something that the sender is not to blame for; nothing of the payload is kept.
    ServerError = "SERVER_ERROR", 500;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One entry of `errors` in an answer of the sync endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What kind of fault.
    pub code: ErrorCode,
    /// What happened, the likely cause, the next step; for a person.
    pub message: String,
    /// JSON Pointer (RFC 6901) to the member at fault, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The record at fault, where there is one and it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

impl Fault {
    /// A fault of the whole payload.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, external_id: None }
    }

    /// The same fault, pointing at a member.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.field = Some(pointer.into());
        self
    }

    /// The same fault, naming a record.
    #[must_use]
    pub fn of_record(mut self, external_id: impl Into<String>) -> Self {
        self.external_id = Some(external_id.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_that_names_it_and_says_what_to_do() {
        for code in ErrorCode::ALL {
            let page = code.page();
            assert!(page.starts_with(&format!("# {code}\n")), "{code}: the title is not the code");
            for part in ["## What happened", "## Why", "## What to do"] {
                assert!(page.contains(part), "{code}: no part \"{part}\"");
            }
        }
    }

    #[test]
    fn an_entry_leaves_out_what_does_not_apply() {
        let fault = Fault::new(ErrorCode::InvalidJson, "not JSON");
        assert_eq!(serde_json::to_string(&fault).unwrap(), r#"{"code":"INVALID_JSON","message":"not JSON"}"#);
        let fault = fault.at("/records/0/externalId").of_record("WI-001");
        assert_eq!(
            serde_json::to_string(&fault).unwrap(),
            r#"{"code":"INVALID_JSON","message":"not JSON","field":"/records/0/externalId","externalId":"WI-001"}"#
        );
    }
}
