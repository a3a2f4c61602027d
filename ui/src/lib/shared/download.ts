import type { Desktop } from '../backend/backend';

/** Gives a text to the user as a file; the result says where it is. The desktop's web view has no downloads of its own. */
export async function saveFile(
  desktop: Desktop | null,
  name: string,
  type: string,
  text: string,
): Promise<string> {
  if (desktop !== null) return desktop.saveFile(name, text);
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the file before the next task.
  setTimeout(() => URL.revokeObjectURL(url), 0);
  return name;
}
