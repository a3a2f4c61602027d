/** The texts of the page; they are in `lib/messages`, by language and part of the window. */
export { count, m } from '../messages';
