// The appointment type in the booking panel, and the length of appointments without one.
import { config, get, valueOf } from "./_board";

export const typeSelect = get<HTMLSelectElement>("book-type");

/** Ask for the length only if the type doesn't determine it. */
function toggleLength(): void {
  get("length").hidden = typeSelect.value !== "";
}
typeSelect.addEventListener("change", toggleLength);

/** Offer only the doctor's appointment types. */
export function offerTypes(): void {
  const offered = config.offers[valueOf("book-doctor")];
  for (const option of typeSelect.options) {
    option.disabled = Boolean(offered && option.value && !offered.includes(option.value));
    option.hidden = option.disabled;
  }
  if (typeSelect.selectedOptions[0]?.disabled ?? true)
    typeSelect.value = [...typeSelect.options].find((option) => !option.disabled)!.value;
  toggleLength();
}

/** The appointment's length in minutes, and its type's colour. */
export function chosenType(): { typeId: string | null; minutes: number; hue: string } {
  const { hue = "", minutes = valueOf("book-minutes") } = typeSelect.selectedOptions[0]?.dataset ?? {};
  return { typeId: typeSelect.value || null, minutes: Number(minutes) || 30, hue };
}
