import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProducedFile } from '@mediakiln/jobs';
import { type PlannedText, type VideoPlan, masterPlaylist, mediaPlaylist } from '@mediakiln/operations';
import { readFragments } from './fragments';

/** Writes what a plan has to say of its outputs, which are made and verified by now. @throws AppError output_not_verified */
export async function writeTexts(workdir: string, { texts = [] }: VideoPlan): Promise<ProducedFile[]> {
  const produced: ProducedFile[] = [];
  for (const planned of texts) {
    const { variant, file, extension, container, mime_type, facts } = planned;
    const path = join(workdir, file);
    await writeFile(path, await textOf(workdir, planned));
    produced.push({ variant, path, extension, container, info: { mime_type, probe: facts } });
  }
  return produced;
}

async function textOf(workdir: string, { text }: PlannedText): Promise<string> {
  if (typeof text === 'string') return text;
  const renditions = 'rendition' in text ? [text.rendition] : text.renditions;
  const made = await Promise.all(
    renditions.map(async (rendition) => ({
      ...rendition,
      ...(await readFragments(join(workdir, rendition.video))),
    })),
  );
  return 'rendition' in text ? mediaPlaylist(made[0]!) : masterPlaylist(made);
}
