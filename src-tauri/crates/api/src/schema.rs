//! How the domain's values look in JSON, for the description of the API: the domain itself knows nothing of such descriptions.

use sync_monitor_domain::ErrorCode;
use sync_monitor_domain::item;
use sync_monitor_domain::sign_in::{OrgKind, SignedInBy};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A schema for each name, from an expression that builds it.
macro_rules! schemas {
    ($($(#[$doc:meta])* $name:ident = $build:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let build: ObjectBuilder = $build;
                RefOr::T(Schema::Object(build.build()))
            }
        }

        impl ToSchema for $name {}
    )*};
}

schemas! {
    /// RFC 3339, UTC, with milliseconds.
    Time = text("A moment: RFC 3339, UTC, with milliseconds")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .examples(["2026-02-27T14:30:00.000Z"]);
    /// An Organization ID.
    OrgId = text("A Salesforce Organization ID: 15 characters, or 18 with their checksum. Answers have 18.")
        .pattern(Some("^00D[0-9A-Za-z]{12}([A-Z0-5]{3})?$"))
        .examples(["00D000000000001EAA"]);
    /// Where an item stands.
    ItemStatus = words("Where an item stands", item::Status::ALL.iter().map(|word| word.as_str()));
    /// Why a waiting item is not being sent.
    HeldBy = words("Why a waiting item is not being sent", item::HeldBy::ALL.iter().map(|word| word.as_str()));
    /// What an attempt came to.
    Outcome = words("What an attempt came to", item::Outcome::ALL.iter().map(|word| word.as_str()));
    /// What a change does.
    Operation = words("What a change does", ["upsert", "delete"]);
    /// How it stands with an org.
    OrgHealth = words("How it stands with an org; what is worst for delivery is told", [
        "connected", "paused", "signInRequired", "orgUnreachable", "rateLimited", "endpointMissing",
    ]);
    /// What an org says it is.
    OrgKindWord = words(
        "What an org says it is, or else what its address looks like",
        [OrgKind::Production, OrgKind::Sandbox, OrgKind::Scratch, OrgKind::Developer]
            .map(OrgKind::as_str).into_iter().chain(["unknown"]),
    );
    /// How an org's tokens were had.
    SignedInByWord = words(
        "How an org's tokens were had",
        [SignedInBy::Browser, SignedInBy::Cli, SignedInBy::AuthUrl].map(SignedInBy::as_str),
    );
    /// How a sign-in stands.
    SignInStateWord = words("How a sign-in stands", ["waiting", "connected", "failed", "cancelled", "expired"]);
    /// A part of an org's test.
    CheckWord = words("A part of an org's test", ["signIn", "endpoint", "apiUsage", "clock"]);
    /// What a part of an org's test found.
    CheckResultWord = words("What it found", ["ok", "warning", "failed", "skipped"]);
    /// Who can do something about a failure.
    FixerWord = words("Who can do something about it", ["targetAdmin", "sourceAdmin", "wait", "developer"]);
    /// What an org speaks.
    DialectWord = words("What an org speaks", ["deliverySync", "packageV1"]);
    /// An object of the package.
    HubObjectWord = words("An object of Delivery Hub's package", ["workItem", "comment", "workLog", "document"]);
    /// Which way a row of the package's queue goes.
    DirectionWord = words("Does the org send it, or did it come in?", ["outbound", "inbound"]);
    /// Where a row of the package's queue stands.
    OwnStatusWord = words("Where a row of the package's own queue stands", ["failed", "staged", "pending"]);
    /// A member of the documented record and its field.
    MappedMember = object("A member of the documented record, and the field of the package that it is")
        .property("object", Ref::from_schema_name(HubObjectWord::name()))
        .property("member", text("Its documented name: of the record, or of an element of comments or timeLogs"))
        .property("field", text("The field's name in the newest package, without a namespace"))
        .property("conversion", words("How one becomes the other", ["text", "html", "number", "date", "userEmail", "file"]))
        .property("on", ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean)).description(Some("Is it relayed?")))
        .required("object")
        .required("member")
        .required("field")
        .required("conversion")
        .required("on");
    /// Why a bulk command left an item alone.
    RefusalWord = words("Why the item was left alone", [
        "notFound", "notFailed", "notRetrying", "superseded", "dismissed", "notDismissed",
    ]);
    /// By which way something was asked for.
    ViaWord = words("By which way it was asked for", ["window", "browser", "cli", "api"]);
    /// What a bulk run does.
    RunActionWord = words("What was done", ["retry", "dismiss", "restore", "sendNow"]);
    /// Where a bulk run stands.
    RunStateWord = words("Where it stands", ["running", "done", "interrupted"]);
    /// A code of the sync endpoint.
    ErrorCodeWord = words("What kind of fault", ErrorCode::ALL.iter().map(|code| code.as_str()));
    /// The documented payload's envelope; whatever else stands in it is relayed as it came.
    Payload = payload();
    /// An entry of `errors` in the sync endpoint's answers.
    Fault = object("What is wrong with a payload")
        .property("code", Ref::from_schema_name(ErrorCodeWord::name()))
        .property("message", text("What happened, the likely cause, the next step; for a person"))
        .property("field", text("JSON Pointer to the member at fault, where there is one"))
        .property("externalId", text("The record at fault, where there is one"))
        .required("code")
        .required("message");
    /// A JSON object.
    AnyObject = object("A JSON object");
    /// Any JSON value, as it was sent.
    AnyJson = ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some("JSON, exactly as it is sent"));
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(description))
}

fn words(description: &str, words: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text(description).enum_values(Some(words))
}

fn payload() -> ObjectBuilder {
    let sized = |description, most| text(description).min_length(Some(1)).max_length(Some(most));
    let record = object("A record; members that are not known here are relayed as they came")
        .property("externalId", sized("Names the record in every org", 255))
        .property("title", text("What people call it"))
        .required("externalId");
    object("A change, as the documented endpoint takes it")
        .property("transactionId", sized("Names the change everywhere", 255))
        .property("sourceOrgId", OrgId::schema())
        .property("timestamp", Time::schema())
        .property("operation", Operation::schema())
        .property(
            "records",
            utoipa::openapi::ArrayBuilder::new().items(record).min_items(Some(1)).max_items(Some(2_000)),
        )
        .required("transactionId")
        .required("sourceOrgId")
        .required("timestamp")
        .required("operation")
        .required("records")
}

fn object(description: &str) -> ObjectBuilder {
    ObjectBuilder::from(Object::new()).description(Some(description))
}
