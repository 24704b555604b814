import java.io.FileInputStream;
import java.util.TreeSet;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;

/** Asks veraPDF whether each file is PDF/UA-1 and PDF/A-2a. Exits with 1 unless all are. See tests/paper. */
public class VeraPdf {
    public static void main(String[] files) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        var all = files.length > 0;
        for (var file : files) {
            for (var name : new String[] {"ua1", "2a"}) {
                all &= check(file, name);
            }
        }
        System.exit(all ? 0 : 1);
    }

    private static boolean check(String file, String name) throws Exception {
        var flavour = PDFAFlavour.fromString(name);
        try (var parser = Foundries.defaultInstance().createParser(new FileInputStream(file), flavour)) {
            var result = Foundries.defaultInstance().createValidator(flavour, false).validate(parser);
            System.out.printf("%s: %s %s, %d assertions%n", file, flavour, result.isCompliant() ? "pass" : "FAIL",
                    result.getTotalAssertions());
            var told = new TreeSet<String>();
            for (var assertion : result.getTestAssertions()) {
                if (assertion.getStatus() == TestAssertion.Status.FAILED && told.add(assertion.getRuleId().getClause())) {
                    System.out.printf("  %s %s%n", assertion.getRuleId().getClause(), assertion.getMessage());
                }
            }
            return result.isCompliant();
        }
    }
}
