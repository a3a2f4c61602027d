//! Its rooms follow.
