/** In our texts a part stands as `<variant>.<extension>`. @returns its address; undefined: it was deleted. */
type PlaceOf = (variant: string) => string | undefined;

const NAME = /^([\w-]+)\.\w+$/;

/**
 * A playlist of HLS with addresses for names. A master playlist leaves out what was deleted; any other is of no use
 * without its file.
 * @returns null when nothing is left to play.
 */
export function linkedPlaylist(text: string, placeOf: PlaceOf): string | null {
  const lines: string[] = [];
  let isPlayable = false;
  for (const line of text.split('\n')) {
    const uri = /URI="([^"]*)"/.exec(line)?.[1];
    if (line.startsWith('#') || line === '') {
      const place = uri === undefined ? '' : placeIn(uri, placeOf);
      if (place === undefined) return null;
      lines.push(uri === undefined ? line : line.replace(`URI="${uri}"`, () => `URI="${place}"`));
      continue;
    }
    const place = placeIn(line, placeOf);
    const isVariant = lines.at(-1)?.startsWith('#EXT-X-STREAM-INF:') ?? false;
    if (place === undefined && !isVariant) return null;
    if (place === undefined) lines.pop();
    else {
      lines.push(place);
      isPlayable = true;
    }
  }
  return isPlayable ? lines.join('\n') : null;
}

/** WebVTT whose cues name a part of a picture, with the picture's address. @returns null when that was deleted. */
export function linkedTrack(text: string, placeOf: PlaceOf): string | null {
  let isWhole = true;
  const linked = text.replace(/^([^#\s]+)(#xywh=[\d,]+)$/gm, (cue, name: string, place: string) => {
    const address = placeIn(name, placeOf);
    isWhole &&= address !== undefined;
    return address === undefined ? cue : address + place;
  });
  return isWhole ? linked : null;
}

function placeIn(name: string, placeOf: PlaceOf): string | undefined {
  const variant = NAME.exec(name)?.[1];
  return variant === undefined ? undefined : placeOf(variant);
}
