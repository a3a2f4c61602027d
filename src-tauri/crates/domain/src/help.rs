//! What explains the codes that people meet: those of the sync endpoint, of the management API, and of orgs.

use std::fmt::Write as _;

use crate::cause;
use crate::error_code::ErrorCode;

/// The codes of the management API, a section each.
const MANAGEMENT: &str = include_str!("../../../../docs/errors/management-api.md");

/// The page that explains a code (Markdown): what happened, why, what to do. A code of the sync endpoint is taken before one
/// of the management API of the same name, and that before an org's. `None` for a code that is not known.
pub fn page(code: &str) -> Option<String> {
    let code = code.to_ascii_uppercase();
    if let Some(known) = ErrorCode::ALL.iter().find(|known| known.as_str() == code) {
        return Some(known.page().to_owned());
    }
    management(&code).or_else(|| section(&cause::page(), &format!("`{code}`")))
}

/// The section that explains a code of the management API.
pub fn management(code: &str) -> Option<String> {
    section(MANAGEMENT, code)
}

/// The section with this heading, as a page of its own.
fn section(page: &str, heading: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n"))?;
    let text = rest.split_once("\n## ").map_or(rest, |(text, _)| text);
    Some(format!("# {}\n\n{}\n", heading.trim_matches('`'), text.trim()))
}

/// The list of all codes that this program answers with (`docs/errors.md`).
pub fn list() -> String {
    let mut list = String::from(
        "# Error codes\n\n<!-- Made by cargo xtask codegen from domain/src/error_code.rs and the pages in errors/ -->\n\n\
         `sync-monitor explain CODE` shows the page of each, and so does the program at `/errors/CODE`; an answer with an error\n\
         leads there by its header `Link: </errors/CODE>; rel=\"help\"`. The codes of orgs, which failed items show, are in\n\
         [causes.md](causes.md).\n\n## The sync endpoint\n\n| code | HTTP | |\n|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let happened = code.page().split_once("## What happened\n").map_or("", |(_, text)| text).trim();
        let sentence = first_sentence(happened);
        // Writing to a String does not fail.
        let _ = writeln!(list, "| [{code}](errors/{code}.md) | {} | {sentence} |", code.http_status());
    }
    list.push_str("\n## The management API\n\n| code | |\n|---|---|\n");
    for (code, text) in MANAGEMENT.split("\n## ").skip(1).filter_map(|part| part.split_once('\n')) {
        let anchor = code.to_ascii_lowercase();
        let _ = writeln!(
            list,
            "| [{code}](errors/management-api.md#{anchor}) | {} |",
            first_sentence(text.trim())
        );
    }
    list
}

fn first_sentence(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |end| end + 1);
    paragraph[..end].replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_explained_wherever_it_is_from_and_however_it_is_written() {
        assert!(page("NO_ROUTE").unwrap().contains("## What to do"));
        assert!(page("redirect_port_taken").unwrap().contains("oauth.redirect_port"));
        let orgs = page("UNABLE_TO_LOCK_ROW").unwrap();
        assert!(
            orgs.starts_with("# UNABLE_TO_LOCK_ROW\n\n**The record was busy.**") && !orgs.contains("##"),
            "{orgs}"
        );
        assert!(page("UNAUTHORIZED").unwrap().contains("integration token"), "the sync endpoint's");
        assert_eq!(page("NONSENSE"), None);
        assert_eq!(page(""), None);
    }

    #[test]
    fn the_list_of_codes_is_made_from_the_pages() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/errors.md");
        if std::env::var_os("SYNC_MONITOR_CODEGEN").is_some() {
            std::fs::write(path, list()).unwrap();
        }
        let list = list();
        assert!(
            std::fs::read_to_string(path).unwrap() == list,
            "docs/errors.md is out of date: cargo xtask codegen"
        );
        assert!(list.contains("| [NO_ROUTE](errors/NO_ROUTE.md) | 400 | No route starts at"), "{list}");
    }
}
