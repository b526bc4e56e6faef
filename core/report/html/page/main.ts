/** The script of a page that shows a run that is over. */
import type { Page } from "../model.ts";
import { showPage } from "./show.ts";

const text = document.getElementById("data")?.textContent ?? "{}";
showPage(JSON.parse(text) as Page, () => true); // Written by bt into the same file.
