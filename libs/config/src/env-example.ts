import { AppConfig } from './app-config';
import { variablesOf } from './variable';

/** The text of `.env.example`; `npm run check` compares it with the file. */
export function envExample(): string {
  const defaults = new AppConfig({ jwtSecret: '' }) as unknown as Record<
    string,
    string | number | readonly string[] | undefined
  >;
  const entries = [...variablesOf(AppConfig.prototype)].map(([field, variable]) => {
    const value = defaults[field];
    const shown = variable.secret || variable.defaultText || value === undefined ? '' : String(value);
    const about = variable.defaultText
      ? `${variable.about} (default: ${variable.defaultText})`
      : variable.about;
    const file = variable.secret ? `\n# or ${variable.name}_FILE=/path/to/a/file/that/holds/it` : '';
    return `# ${about}${file}\n# ${variable.name}=${shown}`;
  });
  return `# Every variable that Mediakiln reads, with its default. Generated from libs/config: npm run env:example\n\n${entries.join('\n\n')}\n`;
}
