//! A GoCo tenant: employees, departments, locations, job titles and documents behind the documented contract.
