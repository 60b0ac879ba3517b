import { compact, defineLibrary } from '../../tools/tsup.base.ts';

export default defineLibrary({
  ...compact,
  entry: {
    index: 'src/index.ts',
    capacity: 'src/capacity/index.ts',
    profiles: 'src/profiles/index.ts',
    'corelane-profile': 'src/corelane-profile.ts',
    'corelane-top': 'src/corelane-top.ts',
  },
});
