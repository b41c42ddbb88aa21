//! A Greenhouse tenant: the token endpoint, Harvest v3 and v1, attachment links and the webhook sender's material.
