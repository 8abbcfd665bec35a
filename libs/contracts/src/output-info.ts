import type { MediaProbe } from './probe';

/** What an executor knows of a file that it made, so that an output needs no probe job. */
export interface OutputInfo {
  mime_type: string;
  probe: MediaProbe;
}
