//! Echo suppression by content: what the relay knows an org to hold, per record.
//!
//! An org that takes a delivered change may send it on as if it were its own (automation does). Such a change equals
//! the one delivered there, and is an echo only while that delivery is the last thing known of the record in that org:
//! once the org has sent something else, the same content again is a person's edit. When in doubt a change is an edit,
//! because an echo too many costs a request, and an edit too few costs an admin's trust.

use crate::ids::Digest;

/// Where the relay's knowledge of a record's content in an org comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The relay delivered it there and the org said yes.
    Delivered,
    /// The org sent it.
    Sent,
}

/// The last content of one record that one org is known to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Holding {
    /// The last content that is certain.
    pub known: Option<(Digest, Origin)>,
    /// A content on its way there: sent, the answer not in, or in and telling nothing (a time-out, a 500).
    pub delivering: Option<Digest>,
}

impl Holding {
    /// Is a change with this content, coming from the org, only what was put there?
    pub fn is_echo(&self, arriving: Digest) -> bool {
        match (self.delivering, self.known) {
            (Some(delivering), _) => delivering == arriving,
            (None, Some((held, Origin::Delivered))) => held == arriving,
            (None, Some((_, Origin::Sent)) | None) => false,
        }
    }

    /// The org sent this content itself, and it was no echo.
    #[must_use]
    pub fn sent(self, digest: Digest) -> Self {
        Self { known: Some((digest, Origin::Sent)), delivering: None }
    }

    /// An attempt to deliver this content there begins.
    #[must_use]
    pub fn delivery_begun(self, digest: Digest) -> Self {
        Self { delivering: Some(digest), ..self }
    }

    /// The org took this content. Counts only while nothing came from the org since the attempt began: otherwise it is
    /// open which of the two it kept.
    #[must_use]
    pub fn delivered(self, digest: Digest) -> Self {
        if self.delivering == Some(digest) {
            Self { known: Some((digest, Origin::Delivered)), delivering: None }
        } else {
            self
        }
    }

    /// The org refused this content for certain; it holds what it held before.
    #[must_use]
    pub fn refused(self, digest: Digest) -> Self {
        if self.delivering == Some(digest) { Self { delivering: None, ..self } } else { self }
    }

    /// The org has something newer, which the relay has not seen (409).
    #[must_use]
    pub fn overtaken(self, digest: Digest) -> Self {
        if self.delivering == Some(digest) { Self::default() } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn content(n: u8) -> Digest {
        Digest::of(&[&[n]])
    }

    fn steps(list: &[(&str, u8)]) -> Holding {
        list.iter().fold(Holding::default(), |holding, (step, n)| match *step {
            "sent" => holding.sent(content(*n)),
            "begun" => holding.delivery_begun(content(*n)),
            "delivered" => holding.delivered(content(*n)),
            "refused" => holding.refused(content(*n)),
            "overtaken" => holding.overtaken(content(*n)),
            other => panic!("no such step: {other}"),
        })
    }

    #[rstest]
    #[case::nothing_known(&[], 1, false)]
    #[case::what_was_delivered(&[("begun", 1), ("delivered", 1)], 1, true)]
    #[case::something_else(&[("begun", 1), ("delivered", 1)], 2, false)]
    #[case::already_on_its_way(&[("begun", 1)], 1, true)]
    #[case::a_time_out_may_have_arrived(&[("begun", 1), ("begun", 1)], 1, true)]
    #[case::refused(&[("begun", 1), ("refused", 1)], 1, false)]
    #[case::refused_leaves_what_was_there(&[("begun", 1), ("delivered", 1), ("begun", 2), ("refused", 2)], 1, true)]
    #[case::the_one_before_the_last(&[("begun", 1), ("delivered", 1), ("begun", 2), ("delivered", 2)], 1, false)]
    #[case::in_doubt_it_is_an_edit(&[("begun", 1), ("delivered", 1), ("begun", 2)], 1, false)]
    #[case::what_it_sent_itself_is_no_echo(&[("sent", 1)], 1, false)]
    #[case::back_to_the_delivered_content_by_hand(&[("begun", 1), ("delivered", 1), ("sent", 2)], 1, false)]
    #[case::delivered_again_after_an_edit(&[("sent", 2), ("begun", 1), ("delivered", 1)], 1, true)]
    #[case::sent_while_the_delivery_was_under_way(&[("begun", 1), ("sent", 2), ("delivered", 1)], 1, false)]
    #[case::overtaken_by_something_unseen(&[("begun", 1), ("delivered", 1), ("begun", 2), ("overtaken", 2)], 1, false)]
    fn an_echo_is_what_was_put_there_and_still_is(
        #[case] history: &[(&str, u8)],
        #[case] arriving: u8,
        #[case] echo: bool,
    ) {
        assert_eq!(steps(history).is_echo(content(arriving)), echo);
    }
}
