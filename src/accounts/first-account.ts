/** The administrator that a new Firn makes by itself, until its password is changed. */
export const FIRST_EMAIL = 'admin@firn.local';
