//! What is known of failures, in plain words. This table is the only place that explains them: the API, the window and
//! `docs/causes.md` are made from it.

use super::{Explanation, Fixer};

/// An explanation for an error code, Salesforce's or ours.
pub(super) struct ByCode {
    pub(super) code: &'static str,
    pub(super) explanation: Explanation,
}

/// An explanation for an HTTP status, where the code says nothing.
pub(super) struct ByStatus {
    pub(super) from: u16,
    /// The last status that it is for.
    pub(super) to: u16,
    pub(super) explanation: Explanation,
}

const fn explanation(
    title: &'static str,
    text: &'static str,
    fixer: Fixer,
    retry_helps: bool,
    steps: &'static [&'static str],
) -> Explanation {
    Explanation { title, text, fixer, retry_helps, steps }
}

macro_rules! by_code {
    ($($code:literal: $title:literal, $text:literal, $fixer:ident, $retry:literal, [$($step:literal),* $(,)?];)*) => {
        &[$(ByCode { code: $code, explanation: explanation($title, $text, Fixer::$fixer, $retry, &[$($step),*]) }),*]
    };
}

macro_rules! by_status {
    ($($from:literal to $to:literal: $title:literal, $text:literal, $fixer:ident, $retry:literal, [$($step:literal),* $(,)?];)*) => {
        &[$(ByStatus { from: $from, to: $to, explanation: explanation($title, $text, Fixer::$fixer, $retry, &[$($step),*]) }),*]
    };
}

/// Salesforce's codes are in "Status Codes and Error Responses" of the REST API Developer Guide and in "Core Data Types
/// Used in API Calls" (`StatusCode`) of the SOAP API Developer Guide.
#[rustfmt::skip]
pub(super) const BY_CODE: &[ByCode] = by_code! {
    "UNABLE_TO_LOCK_ROW": "The record was busy",
        "Another process in the target org was changing the same record at that moment.", Wait, true,
        ["Retry: the lock is usually gone within seconds.", "If it keeps returning, look for a long batch job or trigger in the target org."];
    "SERVER_UNAVAILABLE": "Salesforce was not available",
        "The target org answered that its server cannot take requests for the moment.", Wait, true,
        ["Look at status.salesforce.com for the target org's instance.", "Retry afterwards."];
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule refused the record",
        "A validation rule in the target org does not accept these values. The same values are refused again until the rule or the work item changes.", TargetAdmin, false,
        ["Read the message: it is the rule's own text.", "Let the rule pass records of the integration user, or correct the work item in the source org.", "Retry after the rule was changed. A corrected work item arrives by itself."];
    "REQUIRED_FIELD_MISSING": "A required field is empty",
        "The target org requires a field that this work item does not fill.", TargetAdmin, false,
        ["See in the message which field is meant.", "Fill it in the source org, or make it optional or give it a default in the target org.", "Retry after the target org was changed."];
    "DUPLICATE_VALUE": "The target org already has this value",
        "A unique field in the target org already holds this value on another record.", TargetAdmin, false,
        ["Find the other record by the message.", "Merge the two or give one another value, then retry."];
    "DUPLICATES_DETECTED": "A duplicate rule refused the record",
        "A duplicate rule in the target org takes this record for one that exists.", TargetAdmin, false,
        ["Merge the two records, or let the rule pass the integration user.", "Then retry."];
    "DUPLICATE_EXTERNAL_ID": "Two records in the target org have this external ID",
        "The target org found more than one record by the external ID and cannot tell which is meant.", TargetAdmin, false,
        ["Find both records by the external ID in the target org, and merge them.", "Then retry."];
    "INSUFFICIENT_ACCESS_OR_READONLY": "The integration user may not do this",
        "The user signed in to the target org may not edit this record or field.", TargetAdmin, false,
        ["Give the signed-in user the Delivery Hub permission set.", "Then retry."];
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "The integration user may not use a record that this one refers to",
        "The work item refers to a record of the target org that the signed-in user cannot see or edit.", TargetAdmin, false,
        ["Share the record with the signed-in user, or give it the Delivery Hub permission set.", "Then retry."];
    "INSUFFICIENT_ACCESS": "The integration user may not do this",
        "The user signed in to the target org lacks a permission for this.", TargetAdmin, false,
        ["Give the signed-in user the Delivery Hub permission set.", "Then retry."];
    "API_DISABLED_FOR_ORG": "The integration user may not use the API",
        "The user signed in to the target org lacks the permission API Enabled, or the org's edition has no API.", TargetAdmin, false,
        ["Give the signed-in user the permission API Enabled.", "If every user is refused, ask Salesforce for API access.", "Then retry."];
    "INVALID_CROSS_REFERENCE_KEY": "A record that this one refers to is not there",
        "The work item refers to a record that does not exist in the target org, or that the signed-in user cannot see.", TargetAdmin, false,
        ["See in the message which record is meant.", "Bring it to the target org, or take the reference out, then retry."];
    "INVALID_FIELD": "The target org does not know a field",
        "The payload names a field that does not exist in the target org or is hidden from the signed-in user.", TargetAdmin, false,
        ["Compare the Delivery Hub versions of both orgs.", "Check the field-level security of the signed-in user, then retry."];
    "INVALID_FIELD_FOR_INSERT_UPDATE": "A field cannot be written",
        "The payload sets a field of the target org that is calculated or read-only.", TargetAdmin, false,
        ["See in the message which field is meant.", "Make it writable for the signed-in user, or take it out of the sync, then retry."];
    "FIELD_INTEGRITY_EXCEPTION": "A field's value does not fit the others",
        "The target org does not accept this combination of values, often a reference to a record of the other org.", TargetAdmin, false,
        ["See in the message which field is meant.", "Correct the value in the source org, or the rule in the target org, then retry."];
    "STRING_TOO_LONG": "A text is too long",
        "A text in this work item is longer than the field of the target org.", SourceAdmin, false,
        ["Shorten the text in the source org: the corrected work item arrives by itself."];
    "NUMBER_OUTSIDE_VALID_RANGE": "A number is too large",
        "A number in this work item does not fit the field of the target org.", SourceAdmin, false,
        ["Correct the number in the source org: the corrected work item arrives by itself."];
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "A picklist value is unknown",
        "The target org's picklist is restricted and does not have this value.", TargetAdmin, false,
        ["Add the value to the picklist in the target org, then retry."];
    "INVALID_EMAIL_ADDRESS": "An e-mail address is not one",
        "The target org does not accept an e-mail address of this work item.", SourceAdmin, false,
        ["Correct the address in the source org: the corrected work item arrives by itself."];
    "INACTIVE_OWNER_OR_USER": "A user is inactive",
        "The work item refers to a user who is not active in the target org.", TargetAdmin, false,
        ["Activate the user, or give the work item another owner in the target org.", "Then retry."];
    "INVALID_SESSION_ID": "The sign-in has expired",
        "The target org no longer accepts the sign-in of this program.", TargetAdmin, false,
        ["Sign in to the org again on the Orgs screen, then retry."];
    "REQUEST_LIMIT_EXCEEDED": "The API limit is used up",
        "The target org has used all API calls of the last 24 hours.", Wait, true,
        ["Nothing is lost: sending goes on by itself when the limit allows it.", "To be faster, the target org's admin can find and stop what uses up the calls."];
    "ENTITY_IS_DELETED": "The record was deleted in the target org",
        "The work item that this change belongs to is in the target org's recycle bin.", TargetAdmin, false,
        ["Restore the record from the recycle bin and retry,", "or dismiss this item if the deletion was meant."];
    "ENTITY_IS_LOCKED": "The record is locked for approval",
        "The record is in an approval process in the target org, and nobody else may edit it until that is over.", TargetAdmin, true,
        ["Retry after the approval is over.", "If it takes too long, the target org's admin can unlock the record."];
    "STORAGE_LIMIT_EXCEEDED": "The target org is full",
        "The data storage of the target org is used up, so no record can be saved.", TargetAdmin, false,
        ["Free or buy storage in the target org, then retry."];
    "LIMIT_EXCEEDED": "A limit of the target org is reached",
        "The target org refuses the change because a limit of its edition is reached.", TargetAdmin, false,
        ["See in the message which limit is meant.", "Make room in the target org, then retry."];
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "Automation in the target org failed",
        "A trigger or flow in the target org stopped with an error while saving the record.", TargetAdmin, false,
        ["Read the message: it names the trigger or flow.", "Have it corrected in the target org, then retry."];
    "CANNOT_EXECUTE_FLOW_TRIGGER": "A flow in the target org failed",
        "A flow in the target org stopped with an error while saving the record.", TargetAdmin, false,
        ["Read the message: it names the flow.", "Have it corrected in the target org, then retry."];
    "APEX_ERROR": "Apex code in the target org failed",
        "The code that takes the work item stopped with an error.", Developer, false,
        ["Give the response, among the attempts, to the developer of the target org."];
    "QUERY_TIMEOUT": "The target org took too long",
        "A query in the target org was given up because it took too long.", Wait, true,
        ["Retry.", "If it keeps returning, look in the target org for automation that is slow on this record."];
    "TIMEOUT": "No answer came in time",
        "The target org took the request and did not answer in time. It may have saved the change all the same.", Wait, true,
        ["Retry: a change that has arrived is recognised and not saved twice.", "If it keeps returning, look in the target org for automation that is slow on this record."];
    "CONNECT_TIMEOUT": "The target org could not be reached",
        "No connection came about in time: the network or a firewall drops it.", Wait, true,
        ["Check this computer's network, proxy and VPN, then retry."];
    "CONNECTION_REFUSED": "The target org could not be reached",
        "The connection was refused: nothing listens at the address.", Wait, true,
        ["Check the org's address, and this computer's proxy, then retry."];
    "DNS_FAILURE": "The target org's name was not found",
        "The name of the org's address is not known to this computer: it is offline, or the org was renamed.", Wait, true,
        ["Check this computer's network.", "If My Domain of the org was renamed, test the org on the Orgs screen: that finds the new address."];
    "TLS_FAILURE": "No secure connection",
        "The certificate of the target org is not trusted here, or something in between intercepts the connection.", TargetAdmin, false,
        ["Check this computer's clock, certificates and proxy.", "Then retry."];
    "CONNECTION_RESET": "The connection broke off",
        "The connection to the target org ended in the middle. It may have saved the change all the same.", Wait, true,
        ["Retry: a change that has arrived is recognised and not saved twice."];
    "NETWORK_ERROR": "The network failed",
        "The request to the target org got no answer.", Wait, true,
        ["Check this computer's network, proxy and VPN, then retry."];
    "TOKEN_SERVER_ERROR": "The login server did not work",
        "The server that gives tokens for the target org answered with an error.", Wait, true,
        ["Look at status.salesforce.com, then retry."];
    "TOKEN_SERVER_BUSY": "The login server was busy",
        "Another program was using the same sign-in at that moment, the user had signed in too often within an hour, or something failed there.", Wait, true,
        ["Retry.", "If it keeps returning, sign in to the org again, best as a user that no other program signs in as: then Sync Monitor has a sign-in of its own."];
    "SECRETS_UNAVAILABLE": "The keychain could not be used",
        "The token of the target org could not be read from, or written to, this computer's keychain.", Wait, true,
        ["Unlock the keychain of this computer, then retry."];
    "CLI_FAILED": "The Salesforce CLI failed",
        "The Salesforce CLI, which owns the sign-in of the target org, gave no token.", Wait, true,
        ["Try sf org list auth in a terminal.", "Then retry."];
    "CLI_OFFLINE": "The Salesforce CLI could not reach the org",
        "The Salesforce CLI, which owns the sign-in of the target org, could not refresh its token.", Wait, true,
        ["Check this computer's network, proxy and VPN, then retry."];
    "INSECURE_URL": "The address of the org is not secure",
        "The org would be asked without TLS, which would show its token to everyone in between.", TargetAdmin, false,
        ["Connect the org again."];
    "RECORD_DELETED": "The record was deleted in the target org",
        "The target org had this record and deleted it. It is not made again, because that may not be what its users want.", TargetAdmin, false,
        ["Restore the record from the recycle bin of the target org, then retry.", "If it is meant to be gone, give it up in the source org, or dismiss this."];
    "FIELD_NOT_WRITTEN": "The target org did not keep a value",
        "Delivery Hub answered with success, and the record still holds what it held before: the package skips fields that it cannot write.", TargetAdmin, false,
        ["See in the message which members are meant.", "Let the signed-in user edit these fields, and check that they take such values.", "Then retry."];
    "PARENT_MISSING": "Its work item is not in the target org",
        "A comment or a work log can only be written below its work item, and that one has not arrived within a day.", SourceAdmin, true,
        ["Look for a failed or dismissed item of the work item, and mend that first.", "Where there is none, change the work item once in its own org, or send it whole, so that it is relayed.", "Then retry: it waits for its work item for another day."];
    "FILE_TOO_LARGE": "The file is too large for the target org",
        "Delivery Hub keeps what it is sent in a text, and takes files up to 64 KiB in a call.", SourceAdmin, false,
        ["Attach the file in the target org by hand, or put a link to it into the work item.", "Then dismiss this."];
    "FILE_MISSING": "A document came without its content",
        "The target org does not have the file, and the payload names it without its bytes.", SourceAdmin, false,
        ["Send the document with its content, in base64."];
    "PARENT_PENDING": "The target org waits for its work item",
        "Delivery Hub keeps the comment or work log until its work item is there.", Wait, true,
        ["Look for a failed item of the work item, and mend that first.", "Then retry."];
    "ECHO_SUPPRESSED": "The target org took it for an echo",
        "Delivery Hub drops changes of a record that it sent itself within five minutes, whatever they say. The record was looked at, and it does not hold this change.", Wait, true,
        ["Retry after five minutes."];
    "UNEXPECTED_ANSWER": "The target org did not say what it wrote",
        "The answer is a success, but it does not name the record that was written.", TargetAdmin, true,
        ["Retry: what has arrived is recognised and not written twice.", "If it keeps returning, see in the target org which version of Delivery Hub is installed."];
    "NOT_WRITTEN": "The record is not there",
        "Delivery Hub answered that it wrote the record, and the signed-in user cannot find it.", TargetAdmin, true,
        ["Check that the signed-in user may see every record of the object.", "Then retry."];
    "OBJECT_MISSING": "The target org lacks an object",
        "The object is not in the target org, or the signed-in user may not see it.", TargetAdmin, false,
        ["Give the signed-in user the permission set of Delivery Hub, then test the org.", "Then retry."];
    "API_KEY_REFUSED": "The target org refused the key of its service",
        "Delivery Hub in the target org does not know the key that was sent, its connection is not Connected, or the signature does not fit.", TargetAdmin, false,
        ["Compare the key and the secret with the connection (NetworkEntity) in the target org, and set them again.", "Then retry."];
    "INTERNAL_ERROR": "Sync Monitor failed",
        "The program failed while it sent the item.", Developer, true,
        ["Retry.", "If it keeps returning, give the log to the developers of Sync Monitor."];
};

#[rustfmt::skip]
pub(super) const BY_STATUS: &[ByStatus] = by_status! {
    200 to 299: "The target org answered something else than expected",
        "The answer says that all is well, but it is not the answer of a sync endpoint; a login page or a proxy may stand in between.", TargetAdmin, true,
        ["Look at the response among the attempts: whose page is it?", "Then retry."];
    401 to 401: "The sign-in has expired",
        "The target org no longer accepts the sign-in of this program.", TargetAdmin, false,
        ["Sign in to the org again on the Orgs screen, then retry."];
    403 to 403: "Access was denied",
        "The signed-in user may not use the sync endpoint of the target org.", TargetAdmin, false,
        ["Give the signed-in user the Delivery Hub permission set with its Apex class access.", "Then retry."];
    404 to 404: "Delivery Hub was not found",
        "The target org has no sync endpoint at the expected place.", TargetAdmin, false,
        ["Install Delivery Hub in the target org; sending then goes on by itself."];
    408 to 408: "No answer came in time",
        "The target org gave the request up because it took too long.", Wait, true, ["Retry."];
    409 to 409: "The target org has a newer version",
        "The target org holds a newer version of this work item. There is nothing to do.", Wait, false, [];
    413 to 413: "The payload is too large",
        "The target org does not accept a payload of this size.", SourceAdmin, false,
        ["Make the work item smaller in the source org (long texts, many comments)."];
    425 to 425: "The target org was not ready",
        "The target org asked to send the request again later.", Wait, true, ["Retry."];
    429 to 429: "The API limit is used up",
        "The target org takes no more requests for the moment.", Wait, true,
        ["Nothing is lost: sending goes on by itself when the limit allows it."];
    400 to 499: "The target org refused the payload",
        "The target org says that something in the payload is not right. The same payload is refused again.", SourceAdmin, false,
        ["Read the message and the response among the attempts.", "Correct the work item in the source org: the correction arrives by itself."];
    503 to 503: "The target org is in maintenance or overloaded",
        "The target org cannot take requests for the moment.", Wait, true,
        ["Look at status.salesforce.com for the target org's instance.", "Retry afterwards."];
    500 to 599: "The target org had an internal error",
        "The target org could not process the request. This is often temporary.", Wait, true,
        ["Retry.", "If it keeps returning, give the response, among the attempts, to the admin of the target org."];
};

/// Without a status there was no answer.
pub(super) const NO_ANSWER: Explanation = explanation(
    "The target org could not be reached",
    "No answer came: a time-out, a network error or a failed TLS connection.",
    Fixer::Wait,
    true,
    &[
        "Check this computer's network, proxy and VPN.",
        "Look at status.salesforce.com for the target org's instance, then retry.",
    ],
);

/// Whatever else an answer may be.
pub(super) const UNKNOWN: Explanation = explanation(
    "The target org answered something unknown",
    "The answer is none that this program can explain. The same request is probably answered so again.",
    Fixer::Developer,
    false,
    &["Read the message and the response among the attempts, or give them to a developer."],
);
