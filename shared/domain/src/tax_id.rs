//! A business's number with a tax authority, which its invoices have to carry, and whether it is taxed at all.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Stripe's list, for the API version that is sent. A test compares it with the published one.
pub const TAX_ID_TYPES: [&str; 135] = [
    "ad_nrt",
    "ae_trn",
    "al_tin",
    "am_tin",
    "ao_tin",
    "ar_cuit",
    "au_abn",
    "au_acn",
    "au_arn",
    "au_wpn",
    "aw_tin",
    "az_tin",
    "ba_tin",
    "bb_tin",
    "bd_bin",
    "bf_ifu",
    "bg_uic",
    "bh_vat",
    "bj_ifu",
    "bo_tin",
    "br_cnpj",
    "br_cpf",
    "bs_tin",
    "bw_vat",
    "by_tin",
    "ca_bn",
    "ca_gst_hst",
    "ca_pst_bc",
    "ca_pst_mb",
    "ca_pst_sk",
    "ca_qst",
    "cd_nif",
    "ch_uid",
    "ch_vat",
    "ci_vat",
    "cl_tin",
    "cm_niu",
    "cn_tin",
    "co_nit",
    "cr_tin",
    "cv_nif",
    "cz_dic",
    "de_stn",
    "do_rcn",
    "ec_ruc",
    "eg_tin",
    "es_cif",
    "et_tin",
    "eu_oss_vat",
    "eu_vat",
    "fo_vat",
    "fr_siren",
    "fr_siret",
    "fr_spi",
    "gb_vat",
    "ge_vat",
    "gh_tin",
    "gi_tin",
    "gn_nif",
    "hk_br",
    "hr_oib",
    "hu_tin",
    "ic_nif",
    "id_npwp",
    "il_vat",
    "in_gst",
    "is_kt",
    "is_vat",
    "it_cf",
    "jp_cn",
    "jp_rn",
    "jp_trn",
    "ke_pin",
    "kg_tin",
    "kh_tin",
    "kr_brn",
    "kz_bin",
    "la_tin",
    "li_uid",
    "li_vat",
    "lk_vat",
    "ma_vat",
    "md_cf",
    "md_vat",
    "me_pib",
    "mk_vat",
    "mr_nif",
    "mu_vat",
    "mx_rfc",
    "my_frp",
    "my_itn",
    "my_sst",
    "mz_nuit",
    "ng_tin",
    "no_vat",
    "no_voec",
    "np_pan",
    "nz_bn",
    "nz_gst",
    "om_vat",
    "pe_ruc",
    "ph_tin",
    "pl_nip",
    "pt_nif",
    "py_ruc",
    "ro_tin",
    "rs_pib",
    "ru_inn",
    "ru_kpp",
    "sa_vat",
    "sg_gst",
    "sg_uen",
    "si_tin",
    "sm_coe",
    "sn_ninea",
    "sr_fin",
    "sv_nit",
    "th_vat",
    "tj_tin",
    "tr_tin",
    "tt_bir",
    "tt_vat",
    "tw_vat",
    "tz_vat",
    "ua_vat",
    "ug_tin",
    "us_ein",
    "uy_ruc",
    "uz_tin",
    "uz_vat",
    "ve_rif",
    "vn_tin",
    "za_vat",
    "zm_tin",
    "zw_tin",
];

/// The members of the European Union as their VAT numbers begin: Greece with `EL`; and Northern Ireland, whose goods are inside.
const EU_VAT: [&str; 28] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI",
];

const LONGEST: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTaxId {
    #[error("it is not one number of at most 50 letters and digits")]
    Malformed,
    #[error("which authority's it is cannot be told from it")]
    UnknownType,
    #[error("its type is none of Stripe's")]
    NotATypeOfStripes,
}

/// One of [`TAX_ID_TYPES`], by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaxIdType(u8);

impl TaxIdType {
    pub fn parse(text: &str) -> Result<Self, InvalidTaxId> {
        let text = text.trim().to_ascii_lowercase();
        let place = TAX_ID_TYPES.iter().position(|known| *known == text).and_then(|place| u8::try_from(place).ok());
        place.map(Self).ok_or(InvalidTaxId::NotATypeOfStripes)
    }

    pub fn as_str(self) -> &'static str {
        TAX_ID_TYPES[usize::from(self.0)]
    }

    /// Of the numbers that say themselves whose they are, and no others: those of the European Union, the United Kingdom, Switzerland
    /// and Norway.
    fn of(number: &str) -> Result<Self, InvalidTaxId> {
        let (country, rest) = number.split_at_checked(2).unwrap_or_default();
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
        // None of the Union has fewer digits, or more letters: others' numbers may begin alike.
        let is_of_the_union = EU_VAT.contains(&country) && digits(rest) >= 7 && rest.len() - digits(rest) <= 2;
        let is_all_digits = |text: &str| !text.is_empty() && digits(text) == text.len();
        let known = match country {
            "GB" if is_all_digits(rest) => "gb_vat",
            "CH" if rest
                .strip_prefix('E')
                .is_some_and(|rest| is_all_digits(rest.trim_end_matches(char::is_alphabetic))) =>
            {
                "ch_vat"
            }
            _ if is_of_the_union => "eu_vat",
            _ if number.strip_suffix("MVA").is_some_and(is_all_digits) => "no_vat",
            _ => return Err(InvalidTaxId::UnknownType),
        };
        Self::parse(known)
    }
}

impl TryFrom<String> for TaxIdType {
    type Error = InvalidTaxId;

    fn try_from(text: String) -> Result<Self, InvalidTaxId> {
        Self::parse(&text)
    }
}

impl From<TaxIdType> for String {
    fn from(kind: TaxIdType) -> String {
        kind.as_str().to_owned()
    }
}

/// A number with whose it is. Debug never prints it: that of a sole trader belongs to a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxId {
    pub kind: TaxIdType,
    pub value: String,
}

impl TaxId {
    /// Without a type it must be a number that says itself whose it is. Blanks, as people set them between digits, are left out.
    pub fn parse(kind: Option<&str>, value: &str) -> Result<Self, InvalidTaxId> {
        let value: String = value.chars().filter(|c| !c.is_whitespace()).collect();
        // A Mexican one may hold an ampersand or an Ñ.
        let is_readable = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '/' | '&' | '+' | '*');
        if value.is_empty()
            || value.chars().count() > LONGEST
            || !value.chars().all(is_readable)
            || plain_tax_id(&value).is_empty()
        {
            return Err(InvalidTaxId::Malformed);
        }
        let kind = match kind {
            Some(kind) => TaxIdType::parse(kind)?,
            None => TaxIdType::of(&plain_tax_id(&value))?,
        };
        Ok(Self { kind, value })
    }

    /// Whether it is this one, however it is written: Stripe may have left out what is between the digits.
    pub fn is(&self, kind: &str, value: &str) -> bool {
        self.kind.as_str() == kind && plain_tax_id(&self.value) == plain_tax_id(value)
    }
}

/// What tells one from others, and nothing of how it is written: letters and digits, in capitals.
pub fn plain_tax_id(value: &str) -> String {
    value.chars().filter(|c| c.is_alphanumeric() || matches!(c, '&' | '+' | '*')).flat_map(char::to_uppercase).collect()
}

impl fmt::Debug for TaxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaxId").field("kind", &self.kind.as_str()).finish_non_exhaustive()
    }
}

/// Whether Stripe Tax calculates tax for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxExempt {
    None,
    Exempt,
    /// The customer pays the tax itself, and the invoice says so.
    Reverse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be none, exempt or reverse")]
pub struct UnknownTaxExempt;

impl TaxExempt {
    pub fn parse(text: &str) -> Result<Self, UnknownTaxExempt> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "exempt" => Ok(Self::Exempt),
            "reverse" => Ok(Self::Reverse),
            _ => Err(UnknownTaxExempt),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Exempt => "exempt",
            Self::Reverse => "reverse",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_whose_it_is_or_its_type_does() {
        for (kind, value, expected) in [
            (None, "DE123456789", Ok(("eu_vat", "DE123456789"))),
            (None, " de 123 456 789 ", Ok(("eu_vat", "de123456789"))),
            (None, "ATU12345678", Ok(("eu_vat", "ATU12345678"))),
            (None, "EL123456789", Ok(("eu_vat", "EL123456789"))),
            (None, "GB123456789", Ok(("gb_vat", "GB123456789"))),
            (None, "CHE-123.456.789", Ok(("ch_vat", "CHE-123.456.789"))),
            (None, "123456789MVA", Ok(("no_vat", "123456789MVA"))),
            (Some("us_ein"), "12-3456789", Ok(("us_ein", "12-3456789"))),
            (Some(" ES_CIF "), "A12345678", Ok(("es_cif", "A12345678"))),
            (Some("eu_vat"), "123456789", Ok(("eu_vat", "123456789"))),
            (None, "12-3456789", Err(InvalidTaxId::UnknownType)),
            (None, "A12345678", Err(InvalidTaxId::UnknownType)),
            (None, "GR123456789", Err(InvalidTaxId::UnknownType)),
            (None, "DE", Err(InvalidTaxId::UnknownType)),
            (None, "DEPENDS", Err(InvalidTaxId::UnknownType)),
            (None, "GBX", Err(InvalidTaxId::UnknownType)),
            (None, "CHEESE", Err(InvalidTaxId::UnknownType)),
            (None, "MVA", Err(InvalidTaxId::UnknownType)),
            (None, "7", Err(InvalidTaxId::UnknownType)),
            (Some("vat"), "DE123456789", Err(InvalidTaxId::NotATypeOfStripes)),
            (Some("eu_vat"), "", Err(InvalidTaxId::Malformed)),
            (Some("eu_vat"), "--", Err(InvalidTaxId::Malformed)),
            (None, "DE123456789, DE987654321", Err(InvalidTaxId::Malformed)),
            (None, "DEM010101XX1", Err(InvalidTaxId::UnknownType)),
            (Some("mx_rfc"), "DEM010101XX1", Ok(("mx_rfc", "DEM010101XX1"))),
            (Some("mx_rfc"), "Ñ&A010101AAA", Ok(("mx_rfc", "Ñ&A010101AAA"))),
            (None, "ESX1234567X", Ok(("eu_vat", "ESX1234567X"))),
            (None, "IE1234567WA", Ok(("eu_vat", "IE1234567WA"))),
            (None, "FRXX123456789", Ok(("eu_vat", "FRXX123456789"))),
            (None, "NL123456789B01", Ok(("eu_vat", "NL123456789B01"))),
            (None, "CHE-123.456.789 MWST", Ok(("ch_vat", "CHE-123.456.789MWST"))),
            (None, "NO123456789MVA", Err(InvalidTaxId::UnknownType)),
        ] {
            let found = TaxId::parse(kind, value);
            let found = found.as_ref().map(|id| (id.kind.as_str(), id.value.as_str())).map_err(|why| *why);
            assert_eq!(found, expected, "{kind:?} {value}");
        }
        let longest = format!("DE{}", "1".repeat(LONGEST - 2));
        assert!(TaxId::parse(None, &longest).is_ok() && TaxId::parse(None, &format!("{longest}1")).is_err());
    }

    #[test]
    fn how_it_is_written_is_no_difference() {
        let id = TaxId::parse(None, "CHE-123.456.789").expect("valid");
        assert!(
            id.is("ch_vat", "che123456789") && !id.is("ch_uid", "CHE-123.456.789") && !id.is("ch_vat", "CHE123456780")
        );
        assert_eq!(plain_tax_id(&id.value), "CHE123456789");
        assert!(!format!("{id:?}").contains("123"));
        let kept = serde_json::to_string(&id).expect("writable");
        assert_eq!(serde_json::from_str::<TaxId>(&kept).expect("readable"), id);
        assert!(serde_json::from_str::<TaxId>(&kept.replace("ch_vat", "ch_bat")).is_err());
    }

    #[test]
    fn an_exemption_is_one_of_three() {
        for exempt in [TaxExempt::None, TaxExempt::Exempt, TaxExempt::Reverse] {
            assert_eq!(TaxExempt::parse(&format!(" {} ", exempt.as_str().to_uppercase())), Ok(exempt));
        }
        assert!(TaxExempt::parse("yes").is_err() && TaxExempt::parse("").is_err());
    }
}
