//! What was measured, as tables for people.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

const BEGIN: &str = "<!-- measured: cargo xtask bench --write -->";
const END: &str = "<!-- /measured -->";

/// Tables of figures, printed as they come in.
#[derive(Default)]
pub(crate) struct Report {
    parts: Vec<(String, Vec<String>)>,
}

impl Report {
    /// A new table, with the heads of its columns.
    pub(crate) fn table(&mut self, title: &str, heads: &[&str]) {
        println!("\n### {title}\n");
        self.parts.push((title.to_owned(), Vec::new()));
        self.row(heads);
        let line: Vec<&str> = heads.iter().map(|_| "---").collect();
        self.row(&line);
    }

    /// A row of the table that was begun last.
    pub(crate) fn row(&mut self, cells: &[&str]) {
        let line = format!("| {} |", cells.join(" | "));
        println!("{line}");
        if let Some((_, lines)) = self.parts.last_mut() {
            lines.push(line);
        }
    }

    /// A sentence below the table that was begun last.
    pub(crate) fn say(&mut self, text: &str) {
        println!("\n{text}");
        if let Some((_, lines)) = self.parts.last_mut() {
            lines.extend([String::new(), text.to_owned()]);
        }
    }

    /// Puts the tables into a document, in the place of those with the same titles; others stay as they are.
    ///
    /// # Errors
    /// When the document cannot be read or written, or has no place for them.
    pub(crate) fn write(&self, document: &Path) -> anyhow::Result<()> {
        let name = document.display();
        let text = fs::read_to_string(document).with_context(|| format!("{name} cannot be read"))?;
        let text = self.put_in(&text).with_context(|| format!("{name} has no place for figures"))?;
        fs::write(document, text).with_context(|| format!("{name} cannot be written"))
    }

    fn put_in(&self, text: &str) -> Option<String> {
        let (before, rest) = text.split_once(BEGIN)?;
        let (old, after) = rest.split_once(END)?;
        let mut sections: Vec<(String, String)> = old
            .split("\n### ")
            .skip(1)
            .filter_map(|section| section.split_once('\n'))
            .map(|(title, body)| (title.to_owned(), body.trim().to_owned()))
            .collect();
        for (title, lines) in &self.parts {
            let body = lines.join("\n");
            match sections.iter_mut().find(|(known, _)| known == title) {
                Some(section) => section.1 = body,
                None => sections.push((title.clone(), body)),
            }
        }
        let sections: Vec<String> =
            sections.iter().map(|(title, body)| format!("\n### {title}\n\n{body}\n")).collect();
        Some(format!("{before}{BEGIN}\n{}\n{END}{after}", sections.concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_take_the_place_of_older_ones_and_leave_the_rest() {
        let mut report = Report::default();
        report.table("Two", &["figure", "now"]);
        report.row(&["speed", "2"]);
        report.say("On a good day.");
        let old = format!("# Title\n{BEGIN}\n\n### One\n\nstays\n\n### Two\n\nwas here\n\n{END}\nThe end.\n");
        let new = report.put_in(&old).unwrap();
        assert_eq!(
            new,
            format!(
                "# Title\n{BEGIN}\n\n### One\n\nstays\n\n### Two\n\n| figure | now |\n| --- | --- |\n| speed | 2 |\n\nOn a good day.\n\n{END}\nThe end.\n"
            )
        );
        assert_eq!(report.put_in(&new).unwrap(), new, "the same again changes nothing");
        assert_eq!(report.put_in("no place"), None);
    }
}
