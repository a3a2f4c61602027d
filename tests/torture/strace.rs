//! `strace`: what the program asks the system for, in which order; and the system's answers, where they are to be others.

use std::path::Path;
use std::process::Stdio;

use kit::Program;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// `strace` beside a program that runs.
pub(crate) struct Strace(Child);

impl Strace {
    /// Attaches it with these arguments; it writes down what it sees in `log`.
    pub(crate) async fn attach(program: &Program, arguments: &[&str], log: &Path) -> Self {
        let mut child = Command::new("strace")
            .arg("-f")
            .args(arguments)
            .args(["-p", &program.pid().to_string(), "-o"])
            .arg(log)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("strace is not there: install it, or run cargo xtask test faults, which does");
        let mut said = BufReader::new(child.stderr.take().unwrap());
        // It says when it is attached.
        let mut line = String::new();
        said.read_line(&mut line).await.unwrap();
        assert!(line.contains("attached"), "{line}");
        // Goes on reading: it tells of each thread that it finds.
        tokio::spawn(async move {
            let mut lines = said.lines();
            while let Ok(Some(_)) = lines.next_line().await {}
        });
        Self(child)
    }

    /// Lets go of the program, which goes on.
    pub(crate) async fn detach(mut self) {
        let pid = self.0.id().expect("it watches").to_string();
        let told = Command::new("kill").args(["-INT", &pid]).status().await;
        assert!(told.is_ok_and(|status| status.success()), "strace cannot be told to end");
        self.ended().await;
    }

    /// Waits for its end, which is that of what it watches; it has then written everything.
    pub(crate) async fn ended(&mut self) {
        drop(self.0.wait().await);
    }
}
