//! The webhook sender: builds, escapes, signs and sends events the way Greenhouse does.
