//! The documentation and the command line say the same.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory as _, Parser as _};

use crate::args::Cli;

const PAGE: &str = include_str!("../../../../docs/command-line.md");

/// Every command that does something, with its whole name.
fn commands() -> Vec<(String, Command)> {
    let mut program = Cli::command();
    program.build();
    let mut found = Vec::new();
    let mut open = vec![(String::new(), program)];
    while let Some((path, command)) = open.pop() {
        let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
        let inner: Vec<_> = inner
            .map(|inner| (format!("{path} {}", inner.get_name()).trim().to_owned(), inner.clone()))
            .collect();
        if inner.is_empty() {
            found.push((path, command));
        }
        open.extend(inner);
    }
    found
}

/// The lines of a text that are calls of the program, without what is done with what they print.
fn examples(text: &str) -> impl Iterator<Item = String> {
    let calls = text.lines().flat_map(|line| line.split(" | ")).map(str::trim);
    let calls = calls.filter(|call| call.starts_with("sync-monitor ")).map(str::to_owned);
    calls.map(|call| {
        // Remarks stand behind two spaces or a #, redirections behind a >.
        let end = ["  ", " #", " > ", " && "].iter().filter_map(|sign| call.find(sign)).min();
        call[..end.unwrap_or(call.len())].to_owned()
    })
}

/// The words of a call, as a shell makes them; enough for our examples.
fn words(call: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in call.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            // What a command in it prints is a part of the word.
            ('(', None) => quote = Some(')'),
            (c, Some(q)) if c == q => quote = None,
            (' ', None) => words.push(String::new()),
            (c, _) => words.last_mut().unwrap().push(c),
        }
    }
    words
}

fn understood(text: &str) -> Vec<String> {
    let examples: Vec<String> = examples(text).collect();
    for example in &examples {
        if let Err(error) = Cli::try_parse_from(words(example)) {
            panic!("{example}\n{error}");
        }
    }
    examples
}

#[test]
fn every_command_and_every_flag_of_it_is_documented() {
    let sections: Vec<&str> = PAGE.split("\n### ").collect();
    let global: BTreeSet<&str> =
        ["data-dir", "listen", "config", "log-level", "json", "help", "version"].into();
    for flag in &global {
        assert!(
            *flag == "help" || *flag == "version" || sections[0].contains(&format!("--{flag}")),
            "--{flag}"
        );
    }
    for (name, command) in commands() {
        let heading = format!("`sync-monitor {name}`");
        let section = sections.iter().find(|section| section.lines().next() == Some(&heading));
        let section = section.unwrap_or_else(|| panic!("docs/command-line.md has no section ### {heading}"));
        for flag in
            command.get_arguments().filter_map(clap::Arg::get_long).filter(|flag| !global.contains(flag))
        {
            // Filters are the same for all that take them, and told once.
            let is_told = section.contains(&format!("--{flag}"))
                || section.contains("[filter](#filters)") && PAGE.contains(&format!("| `--{flag}"));
            assert!(is_told, "docs/command-line.md does not tell of --{flag} of {heading}");
        }
    }
}

#[test]
fn no_command_is_documented_that_is_not_there() {
    let known: BTreeSet<String> =
        commands().into_iter().map(|(name, _)| format!("`sync-monitor {name}`")).collect();
    for heading in PAGE.lines().filter_map(|line| line.strip_prefix("### ")) {
        assert!(known.contains(heading), "{heading} is no command");
    }
}

#[test]
fn every_example_is_understood() {
    assert!(understood(PAGE).len() > 30);
    understood(include_str!("../../../../README.md"));
    understood(include_str!("../../../../docs/looking-after-the-store.md"));
    understood(include_str!("../../../../docs/connecting-orgs.md"));
    understood(include_str!("../../../../docs/installing.md"));
}

#[test]
fn the_help_of_every_command_that_needs_one_has_an_example() {
    for (name, command) in commands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let takes_something = command.get_arguments().any(|argument| {
            !argument.is_global_set() && !["help", "version"].contains(&argument.get_id().as_str())
        });
        // Those that end with what a list shows need none.
        let is_plain = ["route", "token", "org resume", "serve"].iter().any(|plain| name.starts_with(plain));
        assert!(!takes_something || is_plain || !understood(&help).is_empty(), "{name} has no example");
    }
}
